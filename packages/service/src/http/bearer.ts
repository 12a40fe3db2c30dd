import type { CapabilityToken } from "capability-protocol";
import { parseToken } from "capability-protocol";

/** The token of `Authorization: Bearer …` (RFC 6750 §2.1; the scheme's name is in any case). */
export function bearerToken(authorization: string | undefined): CapabilityToken | undefined {
  if (authorization === undefined) return undefined;
  const space = authorization.indexOf(" ");
  if (authorization.slice(0, space).toLowerCase() !== "bearer") return undefined;
  let start = space + 1;
  while (authorization[start] === " ") start += 1;
  return parseToken(authorization.slice(start));
}
