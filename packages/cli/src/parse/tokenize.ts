import type { OptionSpec, OptionSpecs } from "./option-spec.ts";
import { foldName } from "./option-spec.ts";

/** A part of the command line: a word, or an option with its value. */
export type CommandLineToken = string | OptionToken;

export interface OptionToken {
  /** `--name` or `-X`. */
  readonly flag: string;
  /** `undefined` when the value is missing, or the option is unknown. */
  readonly value: string | undefined;
  /** Whether the value is the next word, which the user may have meant as another option. */
  readonly isNextWord?: true;
}

/** The options with their names, by each of their spellings. */
export type OptionTable = ReadonlyMap<string, { readonly name: string; readonly option: OptionSpec }>;

export function createOptionTable(tables: readonly OptionSpecs[]): OptionTable {
  const all = tables.flatMap((options) => Object.entries(options));
  return new Map(
    all.flatMap(([name, option]) =>
      [`--${name}`, `-${option.short}`].map((flag) => [optionKey(flag), { name, option }] as const),
    ),
  );
}

/** Returns the key of an option in an {@link OptionTable}: its letter, or its name in any spelling. */
export function optionKey(flag: string): string {
  return flag.startsWith("--") ? foldName(flag) : flag;
}

/** Whether a word is an option in any of its forms: `--name`, `--name=value`, `--no-name` or `-X`. */
export function isOptionWord(word: string, optionTable: OptionTable): boolean {
  if (!word.startsWith("--")) return /^-[a-zA-Z]$/.test(word) && optionTable.has(word);
  const [flag = ""] = word.split("=", 1);
  return (
    COMMON_FLAGS.has(flag) ||
    optionTable.has(optionKey(flag)) ||
    isSwitch(flag.replace(/^--no-/, "--"), optionTable)
  );
}

/** Options of every command, which are in no table. */
const COMMON_FLAGS: ReadonlySet<string> = new Set(["--help", "--version"]);

/**
 * Splits the command line. The word after an option that takes a value is its value even if it begins with a dash, since PEM and keys
 * in base64url can. It accepts the forms of old callers (`--allow-query false`, `--no-allow-query`,
 * `--allowQuery`) and curl's short forms (`-XPOST`, `-H "a: b"`, `-id@-`).
 */
export function tokenize(args: readonly string[], optionTable: OptionTable): readonly CommandLineToken[] {
  const tokens: CommandLineToken[] = [];
  // Reversed, since removing the first of many elements would move all others.
  const rest = args.toReversed();
  for (let arg = rest.pop(); arg !== undefined; arg = rest.pop()) {
    if (arg === "--") tokens.push(...rest.splice(0).toReversed());
    else if (arg.startsWith("--")) tokens.push(readLongOption(arg, rest, optionTable));
    else if (arg.startsWith("-") && arg !== "-") tokens.push(...readShortOptions(arg, rest, optionTable));
    else tokens.push(arg);
  }
  return tokens;
}

function readLongOption(arg: string, rest: string[], optionTable: OptionTable): OptionToken {
  const [, flag = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  const switched = flag.replace(/^--no-/, "--");
  if (value === undefined && switched !== flag && isSwitch(switched, optionTable)) {
    return { flag: switched, value: "false" };
  }
  return value === undefined ? takeValue(flag, rest, optionTable) : { flag, value };
}

function readShortOptions(arg: string, rest: string[], optionTable: OptionTable): readonly OptionToken[] {
  const tokens: OptionToken[] = [];
  for (let at = 1; at < arg.length; at += 1) {
    const flag = `-${arg[at]}`;
    if (!isSwitch(flag, optionTable)) {
      const attached = arg.slice(at + 1);
      return [...tokens, attached === "" ? takeValue(flag, rest, optionTable) : { flag, value: attached }];
    }
    tokens.push({ flag, value: "true" });
  }
  return tokens;
}

function isSwitch(flag: string, optionTable: OptionTable): boolean {
  return optionTable.get(optionKey(flag))?.option.takes === "switch";
}

function takeValue(flag: string, rest: string[], optionTable: OptionTable): OptionToken {
  if (!optionTable.has(optionKey(flag))) return { flag, value: undefined };
  if (!isSwitch(flag, optionTable)) return { flag, value: rest.pop(), isNextWord: true };
  const next = rest.at(-1);
  return { flag, value: next === "true" || next === "false" ? rest.pop() : "true" };
}
