import {
  type Endpoint,
  expectedCapability,
  parseCapabilityUri,
  resolveEndpoint,
} from "capability-protocol/uri";
import { refuse } from "capability-protocol/result";
import { invalidField } from "./error.ts";

/** @throws CapabilityError unless it is a capability URI that can be resolved. */
export function endpointOf(capability: string): Endpoint {
  const uri = typeof capability === "string" ? parseCapabilityUri(capability) : undefined;
  const endpoint =
    uri === undefined ? refuse("capability", expectedCapability(capability)) : resolveEndpoint(uri);
  if (!endpoint.ok) throw invalidField(endpoint.error);
  return endpoint.value;
}
