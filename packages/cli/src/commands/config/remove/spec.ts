import { CliError } from "../../../errors/cli-error.ts";
import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION } from "../options.ts";

export interface RemoveInput {
  readonly profile: string;
}

export const REMOVE_SPEC: CommandSpec<RemoveInput> = defineCommand({
  name: "config remove",
  describe: "Remove a profile; its capabilities still work",
  options: { profile: { ...PROFILE_OPTION, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "Removes the profile with this name"]],
  read(values) {
    const profile = values.text("profile");
    if (profile === undefined) throw new CliError("--profile: expected the name of the profile to remove");
    return { profile };
  },
});
