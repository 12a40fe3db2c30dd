import { bindCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { runCompletion } from "./completion/run.ts";
import { COMPLETION_SPEC } from "./completion/spec.ts";
import { runCa } from "./config/ca/run.ts";
import { CA_SPEC } from "./config/ca/spec.ts";
import { runConfigure } from "./config/configure/run.ts";
import { CONFIGURE_SPEC } from "./config/configure/spec.ts";
import { runList } from "./config/list/run.ts";
import { LIST_SPEC } from "./config/list/spec.ts";
import { runRemove } from "./config/remove/run.ts";
import { REMOVE_SPEC } from "./config/remove/spec.ts";
import { runCreate } from "./membrane/create/run.ts";
import { CREATE_SPEC } from "./membrane/create/spec.ts";
import { runDeleteSelf } from "./membrane/delete-self/run.ts";
import { DELETE_SELF_SPEC } from "./membrane/delete-self/spec.ts";
import { runExport } from "./membrane/export/run.ts";
import { EXPORT_SPEC } from "./membrane/export/spec.ts";
import { runQuery } from "./membrane/query/run.ts";
import { QUERY_SPEC } from "./membrane/query/spec.ts";
import { runRevoke } from "./membrane/revoke/run.ts";
import { REVOKE_SPEC } from "./membrane/revoke/spec.ts";
import { runProfiles } from "./profiles/run.ts";
import { PROFILES_SPEC } from "./profiles/spec.ts";
import { runRequest } from "./request/run.ts";
import { REQUEST_SPEC } from "./request/spec.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  bindCommand(CREATE_SPEC, runCreate),
  bindCommand(EXPORT_SPEC, runExport),
  bindCommand(QUERY_SPEC, runQuery),
  bindCommand(REVOKE_SPEC, runRevoke),
  bindCommand(DELETE_SELF_SPEC, runDeleteSelf),
  bindCommand(REQUEST_SPEC, runRequest),
  bindCommand(CONFIGURE_SPEC, runConfigure),
  bindCommand(LIST_SPEC, runList),
  bindCommand(CA_SPEC, runCa),
  bindCommand(REMOVE_SPEC, runRemove),
  bindCommand(PROFILES_SPEC, runProfiles),
  bindCommand(COMPLETION_SPEC, runCompletion),
];

/** First words that several commands share. */
export const COMMAND_GROUPS: readonly (readonly [word: string, describe: string])[] = [
  ["membrane", "Membranes: create, export, query, revoke, delete-self"],
  ["config", "Profiles: configure, list, ca, remove"],
];
