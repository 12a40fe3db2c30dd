import type { AuthorityCapabilityUri } from "capability-protocol";
import { parseResolvable } from "../../capability/resolvable.ts";
import { CliError } from "../../errors/cli-error.ts";
import type { OptionSpec } from "../../parse/option-spec.ts";
import type { OptionValues } from "../../parse/option-values.ts";
import type { TrustOptions } from "../../trust/trust-options.ts";

const GROUP = "Capability and trust:";

type AccessOptionName = "capability" | "profile" | "trustedCA-file-path" | "cacert";

/** Options of every command that uses a capability. */
export const ACCESS_OPTIONS: Readonly<Record<AccessOptionName, OptionSpec>> = {
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

export function readTrustOptions(values: OptionValues<AccessOptionName>): TrustOptions {
  return {
    profile: values.text("profile"),
    trustedCaFile: values.text("trustedCA-file-path"),
    caFile: values.text("cacert"),
  };
}

/** Reads the capability in an option, if it was given. */
export async function readCapability<Name extends string>(
  values: OptionValues<Name>,
  name: Name,
): Promise<AuthorityCapabilityUri | undefined> {
  const text = await values.secret(name);
  return text === undefined ? undefined : requireResolvable(`--${name}`, text);
}

/** Refuses a text that is not a capability URI before anything is sent. The error names the option and does not show the text. */
export function requireResolvable(option: string, text: string): AuthorityCapabilityUri {
  const uri = parseResolvable(text);
  if (uri.ok) return uri.value;
  throw new CliError(
    `${option}: expected ${uri.error.expected}`,
    "For a capability in a file write @FILE; the file must contain nothing else, no quotes and no spaces.",
  );
}
