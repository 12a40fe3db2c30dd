import { parseCapabilityUri } from "capability-protocol";
import type { Access } from "../command.ts";
import { Failure } from "../failure.ts";
import type { Given } from "./given.ts";
import type { Option } from "./option.ts";

const GROUP = "Capability and trust:";

export type AccessName = "capability" | "profile" | "trustedCA-file-path" | "cacert";

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

export async function readAccess(given: Given<AccessName>): Promise<Access> {
  const capability = await given.secret("capability");
  return {
    ...(capability !== undefined && { capability: requireResolvable("--capability", capability) }),
    ...readProfileAndTrust(given),
  };
}

export function readProfileAndTrust(given: Given<AccessName>): Omit<Access, "capability"> {
  const profile = given.text("profile");
  const trustedCaFile = given.text("trustedCA-file-path");
  const caFile = given.text("cacert");
  return {
    ...(profile !== undefined && { profile }),
    ...(trustedCaFile !== undefined && { trustedCaFile }),
    ...(caFile !== undefined && { caFile }),
  };
}

/** Refuses what is no capability URI before anything is sent, and says which option it came from, never what it was. */
export function requireResolvable(option: string, text: string): string {
  const uri = parseCapabilityUri(text);
  if (uri?.kind === "authority") return text;
  throw uri === undefined
    ? new Failure(
        `${option}: expected a capability URI of the form cpblty://authority/#token`,
        "One that is in a file is given as @FILE.",
      )
    : new Failure(
        `${option}: a capability URI of the form cpblty:key:token has no resolver here`,
        "Ask for one of the form cpblty://authority/#token.",
      );
}
