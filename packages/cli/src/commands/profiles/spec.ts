import type { CommandSpec } from "../../parse/command-spec.ts";

export type ProfilesOptionName = never;

export const PROFILES_SPEC: CommandSpec<ProfilesOptionName> = {
  name: "profiles",
  describe: "List the names of the profiles",
  options: {},
  examples: [["capi profiles", "One name per line"]],
};
