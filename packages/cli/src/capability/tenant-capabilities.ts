import type { Authority, AuthorityCapabilityUri } from "capability-protocol";
import { formatCapabilityUri } from "capability-protocol/uri";
import { normalizeAuthority } from "capability-protocol/authority";
import type { Profile } from "capability-sdk/profiles";
import { parseResolvable } from "./resolvable.ts";

/** A right of a tenant, for which it has a separate capability. */
export interface TenantRight {
  /** Its name in profiles. */
  readonly key: keyof Profile["capabilities"];
  /** Its name in commands, options and questions. */
  readonly name: "create" | "query" | "delete-self";
}

export const TENANT_RIGHTS: Readonly<Record<TenantRight["key"], TenantRight>> = {
  create: { key: "create", name: "create" },
  query: { key: "query", name: "query" },
  deleteSelf: { key: "deleteSelf", name: "delete-self" },
};

/** The capabilities of a tenant that are known. */
export type TenantCapabilityUris = Readonly<Record<TenantRight["key"], AuthorityCapabilityUri | undefined>>;

/** Parses the capabilities of a profile; a text that is not a capability URI counts as absent. */
export function parseSavedCapabilities(saved: Profile["capabilities"]): TenantCapabilityUris {
  const read = (text: string | undefined): AuthorityCapabilityUri | undefined => {
    const uri = parseResolvable(text ?? "");
    return uri.ok ? uri.value : undefined;
  };
  return { create: read(saved.create), query: read(saved.query), deleteSelf: read(saved.deleteSelf) };
}

export function formatCapabilities(capabilities: TenantCapabilityUris): Profile["capabilities"] {
  return Object.fromEntries(
    Object.entries(capabilities).flatMap(([key, uri]) =>
      uri === undefined ? [] : [[key, formatCapabilityUri(uri)]],
    ),
  );
}

/** Returns the authorities of the capabilities, each once. */
export function authoritiesOf(capabilities: TenantCapabilityUris): readonly Authority[] {
  const uris = Object.values(capabilities).filter((uri) => uri !== undefined);
  return [...new Set(uris.map(({ authority }) => normalizeAuthority(authority)))];
}
