import type { AuthorityCapabilityUri } from "capability-protocol";
import { parseResolvable } from "../../capability/resolvable.ts";
import { CliError } from "../../errors/cli-error.ts";
import type { OptionValues } from "../../parse/option-values.ts";
import type { TrustOptions } from "../../trust/trust-options.ts";
import type { AccessOptionName } from "./shared-options.ts";

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
