import type { CommandSpec } from "./command-spec.ts";
import { defineCommand } from "./command-spec.ts";
import { CONFIG_SPECS } from "./options/config.ts";
import { MEMBRANE_SPECS } from "./options/membrane.ts";
import { REQUEST_SPEC } from "./options/request.ts";

const PROFILES_SPEC = defineCommand({
  name: "profiles",
  describe: "List the names of the profiles",
  options: {},
  examples: [["capi profiles", "One name a line"]],
  read: () => ({ name: "profiles" }),
});

const COMPLETION_SPEC = defineCommand({
  name: "completion",
  describe: "Print the script that makes bash or zsh complete capi's words",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; where SHELL is zsh the script is zsh's: >>~/.zshrc"]],
  read: () => ({ name: "completion" }),
});

/** Every command, in the order of the help. */
export const COMMAND_SPECS: readonly CommandSpec[] = [
  ...MEMBRANE_SPECS,
  REQUEST_SPEC,
  ...CONFIG_SPECS,
  PROFILES_SPEC,
  COMPLETION_SPEC,
];

/** Words that commands of their own stand behind. */
export const COMMAND_GROUPS: readonly (readonly [word: string, describe: string])[] = [
  ["membrane", "Membranes: create, export, query, revoke, delete-self"],
  ["config", "Profiles: configure, list, remove"],
];
