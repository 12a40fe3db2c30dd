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
