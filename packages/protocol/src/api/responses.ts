import { type TextRule, memberPath, parseEntries, parseOptionalText, parseText } from "../json/fields.ts";
import { parseTimestamp } from "../json/timestamp.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import { parseCapabilityUri } from "../uri.ts";

/**
 * The rights that come with a membrane, as capability URIs.
 *
 * @example
 * const membrane: MembraneCapabilities = {
 *   export: `cpblty://localhost:8443/#${TOKEN}`,
 *   revoke: `cpblty://localhost:8443/#${TOKEN}`,
 * };
 * parseCapabilityUri(membrane.export)?.token; // => TOKEN
 */
export interface MembraneCapabilities {
  readonly export: string;
  readonly revoke: string;
}

/**
 * 201 of `create`, and one entry of `query`.
 *
 * @example
 * const uri = `cpblty://localhost:8443/#${TOKEN}`;
 * const membrane: MembraneResponse = { id: "reports", capabilities: { export: uri, revoke: uri } };
 * parseMembraneResponse(membrane); // => ok(membrane)
 */
export interface MembraneResponse {
  readonly id: string;
  readonly capabilities: MembraneCapabilities;
}

/**
 * 200 of `query`.
 *
 * @example
 * const none: QueryResponse = { membranes: [], completed: true };
 * parseQueryResponse(none); // => ok(none)
 */
export interface QueryResponse {
  /** In the order of the ids' UTF-8 bytes. */
  readonly membranes: readonly MembraneResponse[];
  /** Whether this is the last page. */
  readonly completed: boolean;
}

/**
 * 201 of `export`.
 *
 * @example
 * const response: ExportResponse = { capability: `cpblty://localhost:8443/#${TOKEN}` };
 * parseExportResponse(response); // => ok(response)
 */
export interface ExportResponse {
  /** Capability URI. */
  readonly capability: string;
  /** Time as in RFC 3339, in UTC with milliseconds, from which on it is dead: the end of what it re-exports, if that is sooner. */
  readonly expiresAt?: string;
}

/**
 * The rights that come with a tenant, as capability URIs.
 *
 * @example
 * const uri = `cpblty://localhost:8443/#${TOKEN}`;
 * const tenant: TenantCapabilities = { create: uri, query: uri, deleteSelf: uri };
 * Object.keys(tenant); // => ["create", "query", "deleteSelf"]
 */
export interface TenantCapabilities {
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
}

/**
 * 201 of `provision`.
 *
 * @example
 * const uri = `cpblty://localhost:8443/#${TOKEN}`;
 * const response: ProvisionResponse = { id: "team-a", capabilities: { create: uri, query: uri, deleteSelf: uri } };
 * response.id; // => "team-a"
 */
export interface ProvisionResponse {
  readonly id: string;
  readonly capabilities: TenantCapabilities;
}

/**
 * 202 of `revoke` and `deleteSelf`.
 *
 * @example
 * const accepted: AcceptedResponse = { statusCode: 202, message: "Accepted" };
 * parseAcceptedResponse(accepted); // => ok(accepted)
 */
export interface AcceptedResponse {
  readonly statusCode: 202;
  readonly message: "Accepted";
}

/**
 * Body of every response of 400 and above that the service itself sends.
 *
 * @example
 * const body: ErrorBody = {
 *   statusCode: 409,
 *   error: "Conflict",
 *   message: "id: expected a name that no other membrane has",
 *   code: "membrane_exists",
 * };
 * body.code; // => "membrane_exists"
 */
export interface ErrorBody {
  readonly statusCode: number;
  /** The HTTP reason phrase of the status. */
  readonly error: string;
  /** What and why, for a person. */
  readonly message: string;
  /** Stable, for programs. */
  readonly code: string;
}

/**
 * Reads 201 of `create`. Members that this version does not know are left out: a newer service may send more.
 *
 * @example
 * const uri = `cpblty://localhost:8443/#${TOKEN}`;
 * const body = { id: "reports", capabilities: { export: uri, revoke: uri } };
 * parseMembraneResponse({ ...body, addedByANewerService: 1 }); // => ok(body)
 */
export function parseMembraneResponse(body: unknown): Parsed<MembraneResponse> {
  return parseMembrane(body, "");
}

/**
 * Reads 200 of `query`.
 *
 * @example
 * parseQueryResponse({ membranes: [], completed: true }); // => ok({ membranes: [], completed: true })
 * parseQueryResponse({ membranes: [] }).ok; // => false
 */
export function parseQueryResponse(body: unknown): Parsed<QueryResponse> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  const listed = fields.value.get("membranes");
  const completed = fields.value.get("completed");
  if (!Array.isArray(listed)) return refuse("membranes", "an array");
  if (typeof completed !== "boolean") return refuse("completed", "true or false");
  const membranes: MembraneResponse[] = [];
  for (const [index, entry] of listed.entries()) {
    const membrane = parseMembrane(entry, `membranes.${index}`);
    if (!membrane.ok) return membrane;
    membranes.push(membrane.value);
  }
  return ok({ membranes, completed });
}

/**
 * Reads 201 of `export`.
 *
 * @example
 * const body = { capability: `cpblty://localhost:8443/#${TOKEN}` };
 * parseExportResponse(body); // => ok(body)
 * parseExportResponse({}).ok; // => false
 */
export function parseExportResponse(body: unknown): Parsed<ExportResponse> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  const capability = parseText(fields.value.get("capability"), "capability", CAPABILITY_URI);
  if (!capability.ok) return capability;
  const expiresAt = parseOptionalText(fields.value.get("expiresAt"), "expiresAt", TIMESTAMP);
  if (!expiresAt.ok) return expiresAt;
  return ok({
    capability: capability.value,
    ...(expiresAt.value !== undefined && { expiresAt: expiresAt.value }),
  });
}

/**
 * Reads 202 of `revoke` and `deleteSelf`.
 *
 * @example
 * parseAcceptedResponse({ statusCode: 202, message: "Accepted" }).ok; // => true
 * parseAcceptedResponse({ statusCode: 200, message: "OK" }).ok; // => false
 */
export function parseAcceptedResponse(body: unknown): Parsed<AcceptedResponse> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  if (fields.value.get("statusCode") !== 202) return refuse("statusCode", "202");
  return ok({ statusCode: 202, message: "Accepted" });
}

const CAPABILITY_URI: TextRule = {
  accepts: (text) => parseCapabilityUri(text) !== undefined,
  expected: "a capability URI",
};

const TIMESTAMP: TextRule = {
  accepts: (text) => parseTimestamp(text, "expiresAt").ok,
  expected: "a time as in RFC 3339",
};

const ANY_TEXT: TextRule = { accepts: () => true, expected: "a string" };

function parseMembrane(value: unknown, path: string): Parsed<MembraneResponse> {
  const fields = parseEntries(value, path);
  if (!fields.ok) return fields;
  const id = parseText(fields.value.get("id"), memberPath(path, "id"), ANY_TEXT);
  if (!id.ok) return id;
  const capabilitiesPath = memberPath(path, "capabilities");
  const capabilities = parseEntries(fields.value.get("capabilities"), capabilitiesPath);
  if (!capabilities.ok) return capabilities;
  const exportUri = parseText(capabilities.value.get("export"), `${capabilitiesPath}.export`, CAPABILITY_URI);
  if (!exportUri.ok) return exportUri;
  const revoke = parseText(capabilities.value.get("revoke"), `${capabilitiesPath}.revoke`, CAPABILITY_URI);
  if (!revoke.ok) return revoke;
  return ok({ id: id.value, capabilities: { export: exportUri.value, revoke: revoke.value } });
}
