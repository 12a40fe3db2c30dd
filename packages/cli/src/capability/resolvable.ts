import type { AuthorityCapabilityUri, Parsed } from "capability-protocol";
import { ok, expectedCapability, parseCapabilityUri, refuse } from "capability-protocol";

/** Parses a capability URI, and accepts only the form that can be resolved. */
export function parseResolvable(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  return uri?.kind === "authority" ? ok(uri) : refuse("capability", expectedCapability(text));
}
