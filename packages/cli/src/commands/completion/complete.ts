import type { CommandGroups } from "../../help/format-help.ts";
import { COMMON_OPTIONS } from "../../help/format-help.ts";
import type { CommandSpec } from "../../parse/command-spec.ts";
import type { CommandLineToken } from "../../parse/tokenize.ts";
import { createOptionTable, optionKey, tokenize } from "../../parse/tokenize.ts";

/** A word that is offered. */
export interface Completion {
  readonly word: string;
  readonly describe?: string;
}

/** The sources of completions. */
export interface CompletionContext {
  readonly commands: readonly CommandSpec[];
  readonly groups: CommandGroups;
  profileNames(): Promise<readonly string[]>;
}

/**
 * Lists the words that the last, incomplete word can become. The shell drops those that do not begin with it, and offers files
 * when the list is empty.
 *
 * @param words after `capi`.
 */
export async function complete(
  words: readonly string[],
  { commands, groups, profileNames }: CompletionContext,
): Promise<readonly Completion[]> {
  const tokens = tokenize(words.slice(0, -1), createOptionTable(commands.map(({ options }) => options)));
  const path = tokens.filter((token) => typeof token === "string");
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => path[index] === word));
  const pending = findPendingOption(tokens, command === undefined ? commands : [command]);
  if (pending?.name === "profile") {
    // A damaged file must not print an error into the line that the user types.
    const names = await profileNames().catch(() => []);
    return names.map((word) => ({ word }));
  }
  if (pending !== undefined) return (pending.option.choices ?? []).map((word) => ({ word }));
  const isOption = words.at(-1)?.startsWith("-") === true;
  return command === undefined && !isOption
    ? completeCommands(path[0], commands, groups)
    : completeOptions(command, tokens);
}

/** Returns the option whose value is incomplete. */
function findPendingOption(tokens: readonly CommandLineToken[], commands: readonly CommandSpec[]) {
  const last = tokens.at(-1);
  if (typeof last !== "object" || last.value !== undefined) return undefined;
  return createOptionTable(commands.map(({ options }) => options)).get(optionKey(last.flag));
}

/** Lists the options that can still be given. */
function completeOptions(
  command: CommandSpec | undefined,
  tokens: readonly CommandLineToken[],
): readonly Completion[] {
  const options = command?.options ?? {};
  const table = createOptionTable([options]);
  const given = new Set(
    tokens.map((token) => (typeof token === "string" ? undefined : table.get(optionKey(token.flag))?.name)),
  );
  return [...COMMON_OPTIONS, ...Object.entries(options)]
    .filter(([name, { repeats }]) => repeats === true || !given.has(name))
    .map(([name, { describe }]) => ({ word: `--${name}`, describe }));
}

/** Lists the commands of a group or, outside a group, the groups and the commands of one word. */
function completeCommands(
  group: string | undefined,
  commands: readonly CommandSpec[],
  groups: CommandGroups,
): readonly Completion[] {
  const isGroup = groups.some(([word]) => word === group);
  const prefix = isGroup ? `${group} ` : "";
  const members = commands.flatMap(({ name, describe }) => {
    const word = name.slice(prefix.length);
    return name.startsWith(prefix) && !word.includes(" ") ? [{ word, describe }] : [];
  });
  return isGroup ? members : [...groups.map(([word, describe]) => ({ word, describe })), ...members];
}
