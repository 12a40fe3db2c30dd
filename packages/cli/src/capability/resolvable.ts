import type { AuthorityCapabilityUri, Parsed } from "capability-protocol";
import { accept, expectedCapability, parseCapabilityUri, refuse } from "capability-protocol";

/** Accepts the form alone that something here can resolve. */
export function parseResolvable(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  return uri?.kind === "authority" ? accept(uri) : refuse("capability", expectedCapability(text));
}
