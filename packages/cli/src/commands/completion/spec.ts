import type { CommandSpec } from "../../parse/command-spec.ts";
import { defineCommand } from "../../parse/command-spec.ts";

export const COMPLETION_SPEC: CommandSpec<object> = defineCommand({
  name: "completion",
  describe: "Print the completion script for bash or zsh",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; if SHELL is zsh, the script is for zsh: >>~/.zshrc"]],
  read: () => ({}),
});
