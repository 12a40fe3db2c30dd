import { bindCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { CA_SPEC, CONFIGURE_SPEC, LIST_SPEC, REMOVE_SPEC } from "./config/specs.ts";
import { EXPORT_SPEC } from "./membrane/export/spec.ts";
import { CREATE_SPEC, DELETE_SELF_SPEC, QUERY_SPEC, REVOKE_SPEC } from "./membrane/specs.ts";
import { REQUEST_SPEC } from "./request/spec.ts";
import { COMPLETION_SPEC, PROFILES_SPEC } from "./specs.ts";

/**
 * Every command, in the order of the help. Only the files of the one that is used are loaded, since loading all of them takes longer than
 * most commands.
 */
export const COMMANDS: readonly Command[] = [
  bindCommand(CREATE_SPEC, () => import("./membrane/create/run.ts")),
  bindCommand(EXPORT_SPEC, () => import("./membrane/export/run.ts")),
  bindCommand(QUERY_SPEC, () => import("./membrane/query/run.ts")),
  bindCommand(REVOKE_SPEC, () => import("./membrane/revoke/run.ts")),
  bindCommand(DELETE_SELF_SPEC, () => import("./membrane/delete-self/run.ts")),
  bindCommand(REQUEST_SPEC, () => import("./request/run.ts")),
  bindCommand(CONFIGURE_SPEC, () => import("./config/configure/run.ts")),
  bindCommand(LIST_SPEC, () => import("./config/list/run.ts")),
  bindCommand(CA_SPEC, () => import("./config/ca/run.ts")),
  bindCommand(REMOVE_SPEC, () => import("./config/remove/run.ts")),
  bindCommand(PROFILES_SPEC, () => import("./profiles/run.ts")),
  bindCommand(COMPLETION_SPEC, () => import("./completion/run.ts")),
];

/** First words that several commands share. */
export const COMMAND_GROUPS: readonly (readonly [word: string, describe: string])[] = [
  ["membrane", "Membranes: create, export, query, revoke, delete-self"],
  ["config", "Profiles: configure, list, ca, remove"],
];
