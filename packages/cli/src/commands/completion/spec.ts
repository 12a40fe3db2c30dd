import type { CommandSpec } from "../../parse/command-spec.ts";
import { defineCommand } from "../../parse/command-spec.ts";

export const COMPLETION_SPEC: CommandSpec<object> = defineCommand({
  name: "completion",
  describe: "Print the script that makes bash or zsh complete capi's words",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; where SHELL is zsh the script is zsh's: >>~/.zshrc"]],
  read: () => ({}),
});
