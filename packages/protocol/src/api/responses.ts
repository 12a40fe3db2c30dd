import { type Parsed, ok, refuse } from "../result.ts";
import { parseCapabilityUri } from "../uri.ts";
import { type TextRule, memberPath, parseEntries, parseText } from "./json-fields.ts";

/** The rights that come with a membrane, as capability URIs. */
export interface MembraneCapabilities {
  readonly export: string;
  readonly revoke: string;
}

/** 201 of `create`, and one entry of `query`. */
export interface MembraneResponse {
  readonly id: string;
  readonly capabilities: MembraneCapabilities;
}

/** 200 of `query`. */
export interface QueryResponse {
  /** In the order of the ids' UTF-8 bytes. */
  readonly membranes: readonly MembraneResponse[];
  /** Whether nothing follows. */
  readonly completed: boolean;
}

/** 201 of `export`. */
export interface ExportResponse {
  /** Capability URI. */
  readonly capability: string;
}

/** The rights that come with a tenant, as capability URIs. */
export interface TenantCapabilities {
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
}

/** 201 of `provision`. */
export interface ProvisionResponse {
  readonly id: string;
  readonly capabilities: TenantCapabilities;
}

/** 202 of `revoke` and `deleteSelf`. */
export interface AcceptedResponse {
  readonly statusCode: 202;
  readonly message: "Accepted";
}

/** Body of every answer of 400 and above that the service makes itself. */
export interface ErrorBody {
  readonly statusCode: number;
  /** The HTTP reason phrase of the status. */
  readonly error: string;
  /** What and why, for a person. */
  readonly message: string;
  /** Stable, for programs. */
  readonly code: string;
}

/** Reads 201 of `create`. Members that this version does not know are left out: a newer service may send more. */
export function parseMembraneResponse(body: unknown): Parsed<MembraneResponse> {
  return parseMembrane(body, "");
}

/** Reads 200 of `query`. */
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

/** Reads 201 of `export`. */
export function parseExportResponse(body: unknown): Parsed<ExportResponse> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  const capability = parseText(fields.value.get("capability"), "capability", CAPABILITY_URI);
  return capability.ok ? ok({ capability: capability.value }) : capability;
}

/** Reads 202 of `revoke` and `deleteSelf`. */
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
