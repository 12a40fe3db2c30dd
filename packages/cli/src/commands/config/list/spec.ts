import type { CommandSpec } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION, SERVICE_OPTION } from "../options.ts";

export type ListOptionName = "service" | "profile";

export const LIST_SPEC: CommandSpec<ListOptionName> = {
  name: "config list",
  describe: "Show the contents of a profile without its secrets",
  options: { service: SERVICE_OPTION, profile: PROFILE_OPTION },
  examples: [["capi config list --profile work", "Shows the profile with this name"]],
};
