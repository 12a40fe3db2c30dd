import type { CommandSpec } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION } from "../options.ts";

export type RemoveOptionName = "profile";

export const REMOVE_SPEC: CommandSpec<RemoveOptionName> = {
  name: "config remove",
  describe: "Remove a profile; its capabilities still work",
  options: { profile: { ...PROFILE_OPTION, describe: "Name of the profile, required" } },
  examples: [["capi config remove --profile old", "Removes the profile with this name"]],
};
