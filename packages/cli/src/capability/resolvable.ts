import type { AuthorityCapabilityUri, Parsed } from "capability-protocol";
import { ok, refuse } from "capability-protocol/result";
import { expectedCapability, parseCapabilityUri } from "capability-protocol/uri";

/** Parses a capability URI, and accepts only the form that can be resolved. */
export function parseResolvable(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  return uri?.kind === "authority" ? ok(uri) : refuse("capability", expectedCapability(text));
}
