import type { CommandSpec } from "../parse/command-spec.ts";

export type ProfilesOptionName = never;

export const PROFILES_SPEC: CommandSpec<ProfilesOptionName> = {
  name: "profiles",
  describe: "List the names of the profiles",
  options: {},
  examples: [["capi profiles", "One name per line"]],
};

export type CompletionOptionName = never;

export const COMPLETION_SPEC: CommandSpec<CompletionOptionName> = {
  name: "completion",
  describe: "Print the completion script for bash or zsh",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; if SHELL is zsh, the script is for zsh: >>~/.zshrc"]],
};
