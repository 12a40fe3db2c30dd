import {
  type Authority,
  type AuthorityCapabilityUri,
  type Parsed,
  accept,
  normalizeAuthority,
  parseCapabilityUri,
  refuse,
} from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";

export type TenantCapabilities = Profile["capabilities"];

/** What a profile holds: the key it is saved under, and what flags and questions call it. In the order of the questions. */
export const TENANT_CAPABILITIES: readonly {
  readonly key: keyof TenantCapabilities;
  readonly name: string;
}[] = [
  { key: "create", name: "create" },
  { key: "query", name: "query" },
  { key: "deleteSelf", name: "delete-self" },
];

/** Accepts the form alone that something can resolve. */
export function readCapability(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  if (uri?.kind === "authority") return accept(uri);
  return refuse("capability", "a capability URI of the form cpblty://authority/#token");
}

/** The authorities that answer for the capabilities, each once. What cannot be read has none. */
export function authoritiesOf(capabilities: TenantCapabilities): readonly Authority[] {
  const uris = TENANT_CAPABILITIES.map(({ key }) => readCapability(capabilities[key] ?? ""));
  return [...new Set(uris.flatMap((uri) => (uri.ok ? [normalizeAuthority(uri.value.authority)] : [])))];
}
