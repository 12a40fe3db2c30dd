import { CliError } from "../../../errors/cli-error.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { RemoveOptionName } from "../specs.ts";

export interface RemoveInput {
  readonly profile: string;
}

/** @throws CliError that names the invalid option. */
export function read(values: OptionValues<RemoveOptionName>): RemoveInput {
  const profile = values.text("profile");
  if (profile === undefined) throw new CliError("--profile: expected the name of the profile to remove");
  return { profile };
}
