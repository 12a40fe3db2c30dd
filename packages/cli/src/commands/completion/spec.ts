import type { CommandSpec } from "../../parse/command-spec.ts";

export type CompletionOptionName = never;

export const COMPLETION_SPEC: CommandSpec<CompletionOptionName> = {
  name: "completion",
  describe: "Print the completion script for bash or zsh",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; if SHELL is zsh, the script is for zsh: >>~/.zshrc"]],
};
