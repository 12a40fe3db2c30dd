import { type Parsed, accept, refuse } from "../result.ts";
import { parseCapabilityUri } from "../uri.ts";
import { type TextRule, memberPath, parseEntries, parseText } from "./json-fields.ts";

/** The rights that come with a membrane, as capability URIs. */
export interface MembraneCapabilities {
  readonly export: string;
  readonly revoke: string;
}

/** 201 of `create`, and one entry of `query`. */
export interface MembraneAnswer {
  readonly id: string;
  readonly capabilities: MembraneCapabilities;
}

/** 200 of `query`. */
export interface QueryAnswer {
  /** In the order of the ids' UTF-8 bytes. */
  readonly membranes: readonly MembraneAnswer[];
  /** Whether nothing follows. */
  readonly completed: boolean;
}

/** 201 of `export`. */
export interface ExportAnswer {
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
export interface ProvisionAnswer {
  readonly id: string;
  readonly capabilities: TenantCapabilities;
}

/** 202 of `revoke` and `deleteSelf`. */
export interface Accepted {
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
export function parseMembraneAnswer(body: unknown): Parsed<MembraneAnswer> {
  return parseMembrane(body, "");
}

/** Reads 200 of `query`. */
export function parseQueryAnswer(body: unknown): Parsed<QueryAnswer> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  const listed = fields.value.get("membranes");
  const completed = fields.value.get("completed");
  if (!Array.isArray(listed)) return refuse("membranes", "an array");
  if (typeof completed !== "boolean") return refuse("completed", "true or false");
  const membranes: MembraneAnswer[] = [];
  for (const [index, entry] of listed.entries()) {
    const membrane = parseMembrane(entry, `membranes.${index}`);
    if (!membrane.ok) return membrane;
    membranes.push(membrane.value);
  }
  return accept({ membranes, completed });
}

/** Reads 201 of `export`. */
export function parseExportAnswer(body: unknown): Parsed<ExportAnswer> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  const capability = parseText(fields.value.get("capability"), "capability", CAPABILITY_URI);
  return capability.ok ? accept({ capability: capability.value }) : capability;
}

/** Reads 202 of `revoke` and `deleteSelf`. */
export function parseAccepted(body: unknown): Parsed<Accepted> {
  const fields = parseEntries(body, "");
  if (!fields.ok) return fields;
  if (fields.value.get("statusCode") !== 202) return refuse("statusCode", "202");
  return accept({ statusCode: 202, message: "Accepted" });
}

const CAPABILITY_URI: TextRule = {
  accepts: (text) => parseCapabilityUri(text) !== undefined,
  expected: "a capability URI",
};

const ANY_TEXT: TextRule = { accepts: () => true, expected: "a string" };

function parseMembrane(value: unknown, path: string): Parsed<MembraneAnswer> {
  const fields = parseEntries(value, path);
  if (!fields.ok) return fields;
  const id = parseText(fields.value.get("id"), memberPath(path, "id"), ANY_TEXT);
  if (!id.ok) return id;
  const rights = memberPath(path, "capabilities");
  const capabilities = parseEntries(fields.value.get("capabilities"), rights);
  if (!capabilities.ok) return capabilities;
  const exporting = parseText(capabilities.value.get("export"), `${rights}.export`, CAPABILITY_URI);
  if (!exporting.ok) return exporting;
  const revoke = parseText(capabilities.value.get("revoke"), `${rights}.revoke`, CAPABILITY_URI);
  if (!revoke.ok) return revoke;
  return accept({ id: id.value, capabilities: { export: exporting.value, revoke: revoke.value } });
}
