import { CliError } from "../../../errors/cli-error.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION } from "../options.ts";

export interface RemoveInput {
  readonly profile: string;
}

export const REMOVE_SPEC: CommandSpec<RemoveInput> = defineCommand({
  name: "config remove",
  describe: "Forget a profile; its capabilities go on working",
  options: { profile: { ...PROFILE_OPTION, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "The profile of this name"]],
  read(values) {
    const profile = values.text("profile");
    if (profile === undefined) throw new CliError("--profile: expected the name of the profile to remove");
    return { profile };
  },
});
