import type { Entry } from "./entry.ts";
import { entry } from "./entry.ts";
import { CONFIG_ENTRIES } from "./options/config.ts";
import { MEMBRANE_ENTRIES } from "./options/membrane.ts";
import { REQUEST_ENTRY } from "./options/request.ts";

const PROFILES_ENTRY = entry({
  name: "profiles",
  describe: "List the names of the profiles",
  options: {},
  examples: [["capi profiles", "One name a line"]],
  read: () => ({ name: "profiles" }),
});

const COMPLETION_ENTRY = entry({
  name: "completion",
  describe: "Print the script that makes bash or zsh complete capi's words",
  options: {},
  examples: [["capi completion >>~/.bashrc", "For bash; where SHELL is zsh the script is zsh's: >>~/.zshrc"]],
  read: () => ({ name: "completion" }),
});

/** Every command, in the order of the help. */
export const ENTRIES: readonly Entry[] = [
  ...MEMBRANE_ENTRIES,
  REQUEST_ENTRY,
  ...CONFIG_ENTRIES,
  PROFILES_ENTRY,
  COMPLETION_ENTRY,
];

/** Words that commands of their own stand behind. */
export const GROUPS: readonly (readonly [word: string, describe: string])[] = [
  ["membrane", "Membranes: create, export, query, revoke, delete-self"],
  ["config", "Profiles: configure, list, remove"],
];
