import type { AuthorityCapabilityUri } from "capability-protocol";
import { parseResolvable } from "../../capability/resolvable.ts";
import { Failure } from "../../failure/failure.ts";
import type { Trust } from "../command.ts";
import type { Given } from "../given.ts";
import type { Option } from "../option.ts";

const GROUP = "Capability and trust:";

type AccessName = "capability" | "profile" | "trustedCA-file-path" | "cacert";

/** Options of every command that uses a capability. */
export const ACCESS_OPTIONS: Readonly<Record<AccessName, Option>> = {
  capability: {
    takes: "secret",
    describe: "Capability URI to use, @FILE or @- [default: the profile's]",
    group: GROUP,
  },
  profile: { takes: "text", describe: 'Profile to take it from [default: "default"]', group: GROUP },
  "trustedCA-file-path": {
    takes: "text",
    describe: "JSON file of CA certificates to trust: authority to PEM",
    group: GROUP,
  },
  cacert: {
    takes: "text",
    describe: "PEM file of the CA to trust for the capability's authority",
    group: GROUP,
  },
};

export function readTrust(given: Given<AccessName>): Trust {
  return {
    profile: given.text("profile"),
    trustedCaFile: given.text("trustedCA-file-path"),
    caFile: given.text("cacert"),
  };
}

/** The capability in an option, if it was given. */
export async function readCapability<Name extends string>(
  given: Given<Name>,
  name: Name,
): Promise<AuthorityCapabilityUri | undefined> {
  const text = await given.secret(name);
  return text === undefined ? undefined : requireResolvable(`--${name}`, text);
}

/** Refuses what is no capability URI before anything is sent, and says which option it came from, never what it was. */
export function requireResolvable(option: string, text: string): AuthorityCapabilityUri {
  const uri = parseResolvable(text);
  if (uri.ok) return uri.value;
  throw new Failure(
    `${option}: expected ${uri.problem.expected}`,
    "One that is in a file is given as @FILE; the file holds nothing else, no quotes and no spaces.",
  );
}
