import { formatCapabilityUri } from "capability-protocol/uri";
import { Membrane } from "capability-sdk/membrane";
import type { ResolvedCapability } from "./resolved-capability.ts";

/** Calls the service with the capability; an error says what to do. */
export async function callService<T>(
  { uri, ca, context }: ResolvedCapability,
  call: (membrane: Membrane, capability: string) => Promise<T>,
): Promise<T> {
  const trustedCA = ca === undefined ? {} : { [context.authority]: ca };
  try {
    return await call(new Membrane({ tls: { trustedCA } }), formatCapabilityUri(uri));
  } catch (error) {
    const { explainRequestError } = await import("../errors/explain.ts");
    throw explainRequestError(error, context);
  }
}
