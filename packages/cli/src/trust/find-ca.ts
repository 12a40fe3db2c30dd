import type { Authority } from "capability-protocol";
import { normalizeAuthority, parseAuthority } from "capability-protocol";

/**
 * What a profile has for an authority, whatever the spelling of either. Names are not validated where a profile is read;
 * one that is no authority is nobody's.
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
