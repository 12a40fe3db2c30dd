import type { AuthorityCapabilityUri, Parsed } from "capability-protocol";
import { ok, expectedCapability, parseCapabilityUri, refuse } from "capability-protocol";

/** Accepts the form alone that something here can resolve. */
export function parseResolvable(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  return uri?.kind === "authority" ? ok(uri) : refuse("capability", expectedCapability(text));
}
