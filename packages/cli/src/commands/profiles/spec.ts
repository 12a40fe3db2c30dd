import type { CommandSpec } from "../../parse/command-spec.ts";
import { defineCommand } from "../../parse/command-spec.ts";

export const PROFILES_SPEC: CommandSpec<object> = defineCommand({
  name: "profiles",
  describe: "List the names of the profiles",
  options: {},
  examples: [["capi profiles", "One name per line"]],
  read: () => ({}),
});
