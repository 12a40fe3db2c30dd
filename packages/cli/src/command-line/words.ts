import { Failure } from "../failure/failure.ts";
import type { Options } from "./option.ts";
import type { OptionToken, Token, Vocabulary } from "./tokens.ts";
import { keyOf, makeVocabulary, splitWords } from "./tokens.ts";

/** What has to be known of a command to read its words. */
export interface Shape {
  /** Its own words, such as `membrane create`. */
  readonly name: string;
  readonly options: Options;
  /** Whether a word may stand behind the command that belongs to no option. */
  readonly operand?: object | undefined;
}

/** What the words say. */
export interface ParsedWords {
  /** Values by the names that the table of the command has, in the order in which they stand. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

export type Parsed<S extends Shape> =
  | ({ readonly kind: "command"; readonly command: S } & ParsedWords)
  /** Asked for anywhere, whatever else is wrong. `path`: the words of a command or a group; empty: of the program. */
  | { readonly kind: "help" | "version"; readonly path: readonly string[] };

/** In words. */
const LONGEST_NAME = 2;

/**
 * Reads a command line. Its options may stand anywhere. Behind an option that repeats further words are further values
 * of it, `--header "A: 1" "B: 2"`, unless the command has a use for a word of its own.
 *
 * @throws Failure that repeats no word that may be a secret: a word in the wrong place may be a capability that somebody
 *   pasted there. Only what looks like the name of a command or an option is named.
 */
export function parseWords<S extends Shape>(words: readonly string[], commands: readonly S[]): Parsed<S> {
  const tokens = splitWords(words, makeVocabulary(commands.map(({ options }) => options)));
  const path = tokens.filter((token) => typeof token === "string").slice(0, LONGEST_NAME);
  const isAsked = (written: string): boolean =>
    tokens.some((token) => typeof token !== "string" && token.written === written);
  if (isAsked("--help") || isAsked("-h")) return { kind: "help", path };
  if (isAsked("--version") || isAsked("-v")) return { kind: "version", path };
  const command = findCommand(path, commands);
  return { kind: "command", command, ...readTokens(tokens, command) };
}

function findCommand<S extends Shape>(path: readonly string[], commands: readonly S[]): S {
  const found = commands.find(({ name }) => name.split(" ").every((word, index) => path[index] === word));
  if (found !== undefined) return found;
  const [group, word] = path;
  const names = commands.map(({ name }) => name.split(" "));
  if (group === undefined) throw new Failure(`expected a command: ${list(names.map(([first]) => first))}`);
  const members = names.flatMap(([first, second]) => (first === group ? [second] : []));
  if (word === undefined && members.length > 0) throw new Failure(`${group}: expected ${list(members)}`);
  const wrong = members.length > 0 && word !== undefined ? word : group;
  throw /^[a-z][a-z-]{0,19}$/.test(wrong) ? new Failure(`${wrong}: no such command`) : tooMany();
}

function readTokens(tokens: readonly Token[], { name, options, operand }: Shape): ParsedWords {
  const vocabulary = makeVocabulary([options]);
  const values = new Map<string, string[]>();
  const operands: string[] = [];
  let ownWords = name.split(" ").length;
  let target = operands;
  for (const token of tokens) {
    if (typeof token !== "string") {
      const { name: found, value, repeats } = readOption(token, vocabulary);
      const all = values.get(found) ?? [];
      if (all.length > 0 && !repeats) throw new Failure(`--${found}: expected once`);
      all.push(value);
      values.set(found, all);
      target = repeats && operand === undefined ? all : operands;
    } else if (ownWords > 0) ownWords -= 1;
    else target.push(token);
  }
  if (operands.length > (operand === undefined ? 0 : 1)) throw tooMany();
  return { values, operands };
}

function readOption({ written, value }: OptionToken, vocabulary: Vocabulary) {
  const known = vocabulary.get(keyOf(written));
  if (known === undefined) throw noSuchOption(written);
  const { takes, choices = takes === "switch" ? ["true", "false"] : undefined, repeats } = known.option;
  if (value === undefined) throw new Failure(`--${known.name}: expected a value behind it`);
  if (choices?.includes(value) === false) {
    const expected = takes === "switch" ? "true or false" : `one of ${choices.join(", ")}`;
    throw new Failure(`--${known.name}: expected ${expected}`);
  }
  return { name: known.name, value, repeats: repeats === true };
}

function noSuchOption(written: string): Failure {
  const isName = /^(?:--[a-zA-Z][a-zA-Z0-9-]{0,39}|-[a-zA-Z])$/.test(written);
  return new Failure(isName ? `${written}: no such option` : "there is no option of such a name");
}

function tooMany(): Failure {
  return new Failure("there is a word too many: values stand behind an option");
}

function list(words: readonly (string | undefined)[]): string {
  const each = [...new Set(words)];
  return `${each.slice(0, -1).join(", ")} or ${each.at(-1)}`;
}
