import type { Authority } from "capability-protocol";
import { normalizeAuthority } from "capability-protocol";
import type { ServiceConfig } from "./options.ts";

/** All names of a service. */
export function ownAuthorities({
  authority,
  aliases,
}: Pick<ServiceConfig, "authority" | "aliases">): readonly Authority[] {
  return [authority, ...aliases];
}

/** Matches the authorities in any spelling, such as with the default port. */
export function matchAuthorities(authorities: readonly Authority[]): (authority: Authority) => boolean {
  const names = new Set(authorities.map(normalizeAuthority));
  return (authority) => names.has(normalizeAuthority(authority));
}

/**
 * Matches the value of a `Host` that is a name below one of the authorities, such as `bucket.example.com`, and is none of them.
 * Neither a port nor a final dot counts: a proxy may leave out the port, and a name with the dot is the same name.
 */
export function matchNamesBelow(authorities: readonly Authority[]): (host: string) => boolean {
  const names = new Set(authorities.map((authority) => nameOf(normalizeAuthority(authority))));
  const suffixes = [...names].map((name) => `.${name}`);
  return (host) => {
    const name = nameOf(host);
    return suffixes.some((suffix) => name.endsWith(suffix)) && !names.has(name);
  };
}

function nameOf(host: string): string {
  const name = host.toLowerCase().replace(/:\d{0,5}$/, "");
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
