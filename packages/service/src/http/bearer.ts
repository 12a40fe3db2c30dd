import type { CapabilityToken } from "capability-protocol";
import { parseToken } from "capability-protocol";

/** The token of `Authorization: Bearer …` (RFC 6750 §2.1; the scheme's name is in any case). */
export function bearerToken(authorization: string | undefined): CapabilityToken | undefined {
  const match = /^Bearer +(\S+)$/i.exec(authorization ?? "");
  return match?.[1] === undefined ? undefined : parseToken(match[1]);
}
