import { type Fields, parseFields } from "../json/fields.ts";
import { type RequestedLimits, parseLimits } from "../limits/parse-limits.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import { type AuthorityCapabilityUri, expectedCapability, parseCapabilityUri } from "../uri.ts";
import { parseLabel } from "./label.ts";
import { TARGET_FIELDS, type TargetConfiguration, parseTarget } from "./target.ts";

/**
 * Body of a POST to an `export` capability: a target, or a capability that the client holds (a re-export).
 *
 * @example
 * const parsed = parseExportRequest({ uri: "https://api.example/" });
 * const request: ExportRequest | undefined = parsed.ok ? parsed.value : undefined;
 * request?.kind; // => "target"
 */
export type ExportRequest = RequestedTerms &
  (
    | { readonly kind: "target"; readonly target: TargetConfiguration }
    | { readonly kind: "reexport"; readonly capability: AuthorityCapabilityUri }
  );

/**
 * What an export asks for in addition to what the capability does.
 *
 * @example
 * const terms: RequestedTerms = { limits: { ttlMs: 3_600_000 }, label: "for the nightly report" };
 * parseExportRequest({ uri: "https://api.example/", ...terms }).ok; // => true
 */
export interface RequestedTerms {
  /** Absent if there are none. */
  readonly limits?: RequestedLimits;
  /** A note for people, sealed with the capability. No response contains it. */
  readonly label?: string;
}

const EXPORT_FIELDS = [...TARGET_FIELDS, "capability", "limits", "label"];

/**
 * @param body the parsed JSON. Exactly one of `uri` and `capability`; the other fields except `limits` and `label` belong to
 *   `uri`; an unknown field is refused.
 *
 * @example
 * const request = parseExportRequest({ uri: "https://api.example/report", method: "post" });
 * request.ok && request.value.kind === "target" && request.value.target.method; // => "POST"
 * parseExportRequest({ method: "GET" }); // => refuse("uri", "either uri or capability")
 */
export function parseExportRequest(body: unknown): Parsed<ExportRequest> {
  const fields = parseFields(body, "", EXPORT_FIELDS);
  if (!fields.ok) return fields;
  const terms = parseTerms(fields.value);
  if (!terms.ok) return terms;
  return fields.value.has("capability")
    ? parseReexport(fields.value, terms.value)
    : parseTargetExport(fields.value, terms.value);
}

function parseTerms(fields: Fields): Parsed<RequestedTerms> {
  const limits = fields.has("limits") ? parseLimits(fields.get("limits")) : ok({});
  if (!limits.ok) return limits;
  const label = fields.has("label") ? parseLabel(fields.get("label"), "label") : ok(undefined);
  if (!label.ok) return label;
  return ok({
    ...(Object.keys(limits.value).length > 0 && { limits: limits.value }),
    ...(label.value !== undefined && { label: label.value }),
  });
}

function parseReexport(fields: Fields, terms: RequestedTerms): Parsed<ExportRequest> {
  const text = fields.get("capability");
  const uri = typeof text === "string" ? parseCapabilityUri(text) : undefined;
  if (uri?.kind !== "authority") return refuse("capability", expectedCapability(text));
  const other = TARGET_FIELDS.find((field) => fields.has(field));
  if (other !== undefined) return refuse(other, "no capability with it");
  return ok({ kind: "reexport", capability: uri, ...terms });
}

function parseTargetExport(fields: Fields, terms: RequestedTerms): Parsed<ExportRequest> {
  if (!fields.has("uri")) return refuse("uri", "either uri or capability");
  const target = parseTarget(fields);
  return target.ok ? ok({ kind: "target", target: target.value, ...terms }) : target;
}
