import {
  type Authority,
  type CapabilityToken,
  parseCapabilityUri,
  refuse,
  resolveEndpoint,
} from "capability-protocol";
import { invalid } from "./error.ts";

/** Where a capability is used. */
export interface CapabilityEndpoint {
  readonly authority: Authority;
  /** `https://authority/` */
  readonly url: string;
  readonly token: CapabilityToken;
}

/** @throws CapabilityError unless it is a capability URI that can be resolved. */
export function endpointOf(capability: string): CapabilityEndpoint {
  const uri = typeof capability === "string" ? parseCapabilityUri(capability) : undefined;
  if (uri === undefined) {
    throw invalid(refuse("capability", "a capability URI, cpblty://authority/#CPBLTY1-…").problem);
  }
  const endpoint = resolveEndpoint(uri);
  if (!endpoint.ok) throw invalid(endpoint.problem);
  if (uri.kind !== "authority")
    throw invalid(refuse("capability", "a capability URI with an authority").problem);
  return { authority: uri.authority, ...endpoint.value };
}
