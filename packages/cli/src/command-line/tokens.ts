import type { Option, Options } from "./option.ts";
import { foldName } from "./option.ts";

/** A piece of the command line: a word, or an option with its value. */
export type Token = string | OptionToken;

export interface OptionToken {
  /** `--name` or `-X`. */
  readonly written: string;
  /** `undefined` when nothing stands behind an option that needs a value, or that no table has. */
  readonly value: string | undefined;
}

/** What the tables call an option, by the ways in which it is written. */
export type Vocabulary = ReadonlyMap<string, { readonly name: string; readonly option: Option }>;

export function makeVocabulary(tables: readonly Options[]): Vocabulary {
  const all = tables.flatMap((options) => Object.entries(options));
  return new Map(
    all.flatMap(([name, option]) =>
      [`--${name}`, `-${option.short}`].map((written) => [keyOf(written), { name, option }] as const),
    ),
  );
}

/** Under what a vocabulary has an option: letters as they stand, names whatever their spelling. */
export function keyOf(written: string): string {
  return written.startsWith("--") ? foldName(written) : written;
}

/**
 * Whatever stands behind an option that takes a value is its value, never an option itself: PEM and keys in base64url
 * begin with a dash. Reads what old callers write (`--allow-query false`, `--no-allow-query`, `--allowQuery`) and
 * curl's short forms (`-XPOST`, `-H "a: b"`, `-id@-`).
 */
export function splitWords(words: readonly string[], vocabulary: Vocabulary): readonly Token[] {
  const tokens: Token[] = [];
  // The next word last: taking the first of many away would move all others.
  const rest = words.toReversed();
  for (let word = rest.pop(); word !== undefined; word = rest.pop()) {
    if (word === "--") tokens.push(...rest.splice(0).toReversed());
    else if (word.startsWith("--")) tokens.push(readLong(word, rest, vocabulary));
    else if (word.startsWith("-") && word !== "-") tokens.push(...readShort(word, rest, vocabulary));
    else tokens.push(word);
  }
  return tokens;
}

function readLong(word: string, rest: string[], vocabulary: Vocabulary): OptionToken {
  const [, written = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const switched = written.replace(/^--no-/, "--");
  if (value === undefined && switched !== written && isSwitch(switched, vocabulary)) {
    return { written: switched, value: "false" };
  }
  return { written, value: value ?? takeValue(written, rest, vocabulary) };
}

function readShort(word: string, rest: string[], vocabulary: Vocabulary): readonly OptionToken[] {
  const tokens: OptionToken[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const written = `-${word[at]}`;
    if (!isSwitch(written, vocabulary)) {
      const attached = word.slice(at + 1);
      return [
        ...tokens,
        { written, value: attached === "" ? takeValue(written, rest, vocabulary) : attached },
      ];
    }
    tokens.push({ written, value: "true" });
  }
  return tokens;
}

function isSwitch(written: string, vocabulary: Vocabulary): boolean {
  return vocabulary.get(keyOf(written))?.option.takes === "switch";
}

function takeValue(written: string, rest: string[], vocabulary: Vocabulary): string | undefined {
  if (!vocabulary.has(keyOf(written))) return undefined;
  if (!isSwitch(written, vocabulary)) return rest.pop();
  const next = rest.at(-1);
  return next === "true" || next === "false" ? rest.pop() : "true";
}
