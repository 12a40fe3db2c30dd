import type { Authority, CapabilityToken } from "capability-protocol";
import { formatCapabilityUri } from "capability-protocol";

/** The URI of a capability of this service. */
export function formatUri(authority: Authority, token: CapabilityToken): string {
  return formatCapabilityUri({ kind: "authority", authority, token });
}
