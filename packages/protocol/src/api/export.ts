import { type Parsed, ok, refuse } from "../result.ts";
import { type AuthorityCapabilityUri, expectedCapability, parseCapabilityUri } from "../uri.ts";
import { type Fields, parseFields } from "./json-fields.ts";
import { TARGET_FIELDS, type TargetConfiguration, parseTarget } from "./target.ts";

/**
 * Body of a POST to an `export` capability: a target, or a capability that the client holds (a re-export).
 *
 * @example
 * const parsed = parseExportRequest({ uri: "https://api.example/" });
 * const request: ExportRequest | undefined = parsed.ok ? parsed.value : undefined;
 * request?.kind; // => "target"
 */
export type ExportRequest =
  | { readonly kind: "target"; readonly target: TargetConfiguration }
  | { readonly kind: "reexport"; readonly capability: AuthorityCapabilityUri };

const EXPORT_FIELDS = [...TARGET_FIELDS, "capability"];

/**
 * @param body the parsed JSON. Exactly one of `uri` and `capability`; the other fields belong to `uri`; an unknown field
 *   is refused.
 *
 * @example
 * const request = parseExportRequest({ uri: "https://api.example/report", method: "post" });
 * request.ok && request.value.kind === "target" && request.value.target.method; // => "POST"
 * parseExportRequest({ method: "GET" }); // => refuse("uri", "either uri or capability")
 */
export function parseExportRequest(body: unknown): Parsed<ExportRequest> {
  const fields = parseFields(body, "", EXPORT_FIELDS);
  if (!fields.ok) return fields;
  return fields.value.has("capability") ? parseReexport(fields.value) : parseTargetExport(fields.value);
}

function parseReexport(fields: Fields): Parsed<ExportRequest> {
  const text = fields.get("capability");
  const uri = typeof text === "string" ? parseCapabilityUri(text) : undefined;
  if (uri?.kind !== "authority") return refuse("capability", expectedCapability(text));
  const other = TARGET_FIELDS.find((field) => fields.has(field));
  if (other !== undefined) return refuse(other, "no such field together with capability");
  return ok({ kind: "reexport", capability: uri });
}

function parseTargetExport(fields: Fields): Parsed<ExportRequest> {
  if (!fields.has("uri")) return refuse("uri", "either uri or capability");
  const target = parseTarget(fields);
  return target.ok ? ok({ kind: "target", target: target.value }) : target;
}
