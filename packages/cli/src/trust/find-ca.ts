import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol/authority";

/**
 * Finds a profile's CA for an authority in any spelling. Names in a profile are not validated, so a name that is not an authority
 * matches none.
 */
export function findCa(
  authority: Authority,
  trustedCA: Readonly<Record<string, string>>,
): string | undefined {
  const wanted = normalizeAuthority(authority);
  const entry = Object.entries(trustedCA).find(([name]) => {
    const known = parseAuthority(name);
    return known !== undefined && normalizeAuthority(known) === wanted;
  });
  return entry?.[1];
}
