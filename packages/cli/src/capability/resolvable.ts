import type { AuthorityCapabilityUri, Parsed } from "capability-protocol";
import { accept, parseCapabilityUri, refuse } from "capability-protocol";

/** Accepts the form alone that something here can resolve. */
export function parseResolvable(text: string): Parsed<AuthorityCapabilityUri> {
  const uri = parseCapabilityUri(text);
  if (uri?.kind === "authority") return accept(uri);
  const hint = uri === undefined ? "" : "; the form cpblty:key:token has no resolver here";
  return refuse("capability", `a capability URI of the form cpblty://authority/#token${hint}`);
}
