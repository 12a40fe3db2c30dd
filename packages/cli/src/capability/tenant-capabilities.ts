import type { Authority, AuthorityCapabilityUri } from "capability-protocol";
import { formatCapabilityUri, normalizeAuthority } from "capability-protocol";
import type { Profile } from "capability-sdk/profiles";
import { parseResolvable } from "./resolvable.ts";

/** One of the rights of a tenant, each with a separate capability. */
export interface TenantRight {
  /** What profiles call it. */
  readonly key: keyof Profile["capabilities"];
  /** What commands, options and questions call it. */
  readonly name: "create" | "query" | "delete-self";
}

export const TENANT_RIGHTS: Readonly<Record<TenantRight["key"], TenantRight>> = {
  create: { key: "create", name: "create" },
  query: { key: "query", name: "query" },
  deleteSelf: { key: "deleteSelf", name: "delete-self" },
};

/** Capabilities of a tenant, as far as there are any. */
export type TenantCapabilityUris = Readonly<Record<TenantRight["key"], AuthorityCapabilityUri | undefined>>;

/** Those that a profile has. What something else wrote into its file is none. */
export function parseSavedCapabilities(saved: Profile["capabilities"]): TenantCapabilityUris {
  const read = (text: string | undefined): AuthorityCapabilityUri | undefined => {
    const uri = parseResolvable(text ?? "");
    return uri.ok ? uri.value : undefined;
  };
  return { create: read(saved.create), query: read(saved.query), deleteSelf: read(saved.deleteSelf) };
}

/** As a profile keeps them. */
export function formatCapabilities(capabilities: TenantCapabilityUris): Profile["capabilities"] {
  return Object.fromEntries(
    Object.entries(capabilities).flatMap(([key, uri]) =>
      uri === undefined ? [] : [[key, formatCapabilityUri(uri)]],
    ),
  );
}

/** The authorities of the capabilities, each once. */
export function authoritiesOf(capabilities: TenantCapabilityUris): readonly Authority[] {
  const uris = Object.values(capabilities).filter((uri) => uri !== undefined);
  return [...new Set(uris.map(({ authority }) => normalizeAuthority(authority)))];
}
