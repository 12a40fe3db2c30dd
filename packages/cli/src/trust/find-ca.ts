import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol";

/**
 * Finds a profile's CA for an authority; spellings of one authority are equal. Names are not validated when a profile
 * is read, so one that is no authority matches none.
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
