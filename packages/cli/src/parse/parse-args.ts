import { CliError } from "../errors/cli-error.ts";
import type { OptionSpec, OptionSpecs } from "./option-spec.ts";
import { foldName } from "./option-spec.ts";
import type { OptionToken, CommandLineToken, OptionTable } from "./tokenize.ts";
import { findSimilarName } from "./similar-name.ts";
import { createOptionTable, isOptionWord, optionKey, tokenize } from "./tokenize.ts";

/** What the parser needs to know of a command. */
export interface CommandShape {
  /** Its name, such as `membrane create`. */
  readonly name: string;
  readonly options: OptionSpecs;
  /** What to use in place of options that it does not have, by their names without dashes in lower case. */
  readonly replacements?: ReadonlyMap<string, string>;
  /** Present if the command takes a positional argument. */
  readonly operand?: object | undefined;
}

/** The parsed arguments of a command. */
export interface ParsedArgs {
  /** Values by the names in the command's spec, in their order on the command line. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

export type ParsedCommandLine<S extends CommandShape> =
  | ({ readonly kind: "command"; readonly command: S } & ParsedArgs)
  /** Help and version take precedence over errors. `path` is the name of a command or group; it is empty for the program. */
  | { readonly kind: "help" | "version"; readonly path: readonly string[] };

/** The longest name of a command, in words. */
const MAX_NAME_WORDS = 2;

/**
 * Parses a command line. Options may be anywhere. Further words after an option that repeats are further values of it, `--header
 * "A: 1" "B: 2"`, unless the command takes a positional argument.
 *
 * @throws CliError that repeats no word that may be a secret, such as a capability that was pasted in the wrong place. Only a word
 *   that looks like the name of a command or an option is repeated.
 */
export function parseArgs<S extends CommandShape>(
  args: readonly string[],
  commands: readonly S[],
): ParsedCommandLine<S> {
  const tokens = tokenize(args, createOptionTable(commands.map(({ options }) => options)));
  const path = tokens.filter((token) => typeof token === "string").slice(0, MAX_NAME_WORDS);
  const isAsked = (flag: string): boolean =>
    tokens.some((token) => typeof token !== "string" && token.flag === flag);
  if (isAsked("--help") || isAsked("-h")) return { kind: "help", path };
  if (isAsked("--version") || isAsked("-v")) return { kind: "version", path };
  const command = findCommand(path, commands);
  return { kind: "command", command, ...readTokens(tokens, command) };
}

function findCommand<S extends CommandShape>(path: readonly string[], commands: readonly S[]): S {
  const found = commands.find(({ name }) => name.split(" ").every((word, index) => path[index] === word));
  if (found !== undefined) return found;
  const [group, word] = path;
  const names = commands.map(({ name }) => name.split(" "));
  if (group === undefined) throw new CliError(`expected a command: ${list(names.map(([first]) => first))}`);
  const members = names.flatMap(([first, second]) => (first === group ? [second] : []));
  if (word === undefined && members.length > 0) throw new CliError(`${group}: expected ${list(members)}`);
  const wrong = members.length > 0 && word !== undefined ? word : group;
  if (!/^[a-z][a-z-]{0,19}$/.test(wrong)) throw unexpectedArgument();
  const candidates = wrong === group ? names.map(([first = ""]) => first) : members;
  const meant = findSimilarName(
    wrong,
    candidates.filter((name) => name !== undefined),
  );
  throw new CliError(`${wrong}: no such command${suggest(meant)}`);
}

function readTokens(
  tokens: readonly CommandLineToken[],
  { name, options, operand, replacements }: CommandShape,
): ParsedArgs {
  const optionTable = createOptionTable([options]);
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  let ownWords = name.split(" ").length;
  let target = operands;
  for (const [index, token] of tokens.entries()) {
    if (typeof token !== "string") {
      const { name: found, value, repeats } = readOption(token, optionTable, replacements);
      const all = values.get(found) ?? [];
      if (all.length > 0 && !repeats) throw new CliError(`--${found}: expected once`);
      all.push(value);
      values.set(found, all);
      target = repeats && operand === undefined ? all : operands;
    } else if (ownWords > 0) ownWords -= 1;
    else {
      target.push(token);
      if (operands.length > (operand === undefined ? 0 : 1))
        throw unexpectedArgument(tokens[index - 1], optionTable);
    }
  }
  return { values, operands };
}

function readOption(
  { flag, value, isNextWord }: OptionToken,
  optionTable: OptionTable,
  replacements: CommandShape["replacements"],
) {
  const known = optionTable.get(optionKey(flag));
  if (known === undefined) throw unknownOption(flag, optionTable, replacements);
  const { takes, choices = takes === "switch" ? ["true", "false"] : undefined, repeats } = known.option;
  if (value === undefined) throw new CliError(`--${known.name}: missing value`);
  // Otherwise an unset variable would take the next option for its value, and a limit would be lost.
  if (isNextWord === true && isOptionWord(value, optionTable))
    throw new CliError(
      `--${known.name}: missing value; write --${known.name}=… for a value that is an option's name`,
    );
  if (choices?.includes(value) === false) {
    const expected = takes === "switch" ? "true or false" : `one of ${choices.join(", ")}`;
    throw new CliError(`--${known.name}: expected ${expected}${instead(known.option)}`);
  }
  return { name: known.name, value, repeats: repeats === true };
}

/** A name has no digits next to an underscore, since keys in base64url do. */
const OPTION_NAME = /^(?:--[a-zA-Z][a-zA-Z0-9-]{0,39}|--[a-z][a-z_-]{0,39}|-[a-zA-Z])$/;

function instead({ insteadOfValue }: OptionSpec): string {
  return insteadOfValue === undefined ? "" : `; ${insteadOfValue}`;
}

function unknownOption(
  flag: string,
  optionTable: OptionTable,
  replacements: CommandShape["replacements"],
): CliError {
  if (!OPTION_NAME.test(flag)) return new CliError("unknown option");
  const replacement = replacements?.get(foldName(flag));
  if (replacement !== undefined) return new CliError(`${flag}: no such option; ${replacement}`);
  const names = Array.from(optionTable.values(), ({ name }) => name);
  const meant = flag.startsWith("--") ? findSimilarName(flag.slice(2), names) : undefined;
  return new CliError(`${flag}: no such option${suggest(meant === undefined ? undefined : `--${meant}`)}`);
}

function suggest(meant: string | undefined): string {
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** The word itself may be a secret. */
function unexpectedArgument(before?: CommandLineToken, optionTable?: OptionTable): CliError {
  const known = typeof before === "object" ? optionTable?.get(optionKey(before.flag)) : undefined;
  if (known?.option.takes !== "switch") return new CliError("unexpected argument");
  return new CliError(
    `unexpected argument after --${known.name}, which takes only true or false${instead(known.option)}`,
  );
}

function list(words: readonly (string | undefined)[]): string {
  const each = [...new Set(words)];
  return `${each.slice(0, -1).join(", ")} or ${each.at(-1)}`;
}
