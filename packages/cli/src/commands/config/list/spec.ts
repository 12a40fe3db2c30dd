import type { CommandSpec } from "../../../parse/command-spec.ts";
import { defineCommand } from "../../../parse/command-spec.ts";
import { PROFILE_OPTION, SERVICE_OPTION, readProfileName } from "../options.ts";

export interface ListInput {
  readonly profile: string;
}

export const LIST_SPEC: CommandSpec<ListInput> = defineCommand({
  name: "config list",
  describe: "Show the contents of a profile without its secrets",
  options: { service: SERVICE_OPTION, profile: PROFILE_OPTION },
  examples: [["capi config list --profile work", "Shows the profile with this name"]],
  read: (values) => ({ profile: readProfileName(values) }),
});
