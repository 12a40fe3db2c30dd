import { parseFields, parseText } from "../json/fields.ts";
import { type Parsed, ok } from "../result.ts";
import { ID_RULE } from "./id.ts";

/**
 * Body of a POST to a `create` capability: a new membrane.
 *
 * @example
 * const request: CreateRequest = { id: "reports" };
 * parseCreateRequest(request); // => ok(request)
 */
export interface CreateRequest {
  /** 1 to 512 UTF-16 code units, well-formed, no NUL. Unique among the tenant's membranes that are not revoked. */
  readonly id: string;
}

/**
 * Body of a POST to the operator's `provision` capability: a new tenant.
 *
 * @example
 * const request: ProvisionRequest = { id: "team-a" };
 * parseProvisionRequest(request); // => ok(request)
 */
export interface ProvisionRequest {
  /** As in {@link CreateRequest}. */
  readonly id: string;
}

/**
 * @param body the parsed JSON. An unknown field is refused.
 *
 * @example
 * parseCreateRequest({ id: "reports" }); // => ok({ id: "reports" })
 * parseCreateRequest({ name: "reports" }).ok; // => false
 */
export function parseCreateRequest(body: unknown): Parsed<CreateRequest> {
  return parseId(body);
}

/**
 * @param body the parsed JSON. An unknown field is refused.
 *
 * @example
 * parseProvisionRequest({ id: "team-a" }); // => ok({ id: "team-a" })
 * parseProvisionRequest({}).ok; // => false
 */
export function parseProvisionRequest(body: unknown): Parsed<ProvisionRequest> {
  return parseId(body);
}

function parseId(body: unknown): Parsed<{ readonly id: string }> {
  const fields = parseFields(body, "", ["id"]);
  if (!fields.ok) return fields;
  const id = parseText(fields.value.get("id"), "id", ID_RULE);
  return id.ok ? ok({ id: id.value }) : id;
}
