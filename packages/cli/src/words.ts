import { Failure } from "./failure.ts";
import type { Option, Options } from "./options/option.ts";
import { foldName } from "./options/option.ts";

/**
 * The words of a command line with each option and its value in one word, `--name=value`, under the name that the table
 * has. The parser behind goes over the words several times and knows the options only in the last; this way it can
 * never take a value that begins with a dash, such as PEM or a key in base64url, for an option.
 *
 * Reads what old callers write (`--allow-query false`, `--no-allow-query`, `--allowQuery`) and curl's short forms
 * (`-XPOST`, `-H "a: b"`, `-id@-`).
 *
 * @throws Failure for an option without the value that it needs.
 */
export function joinWords(words: readonly string[], options: Options): readonly string[] {
  const known = new Map(Object.entries(options).map(([name, option]) => [foldName(name), { name, option }]));
  const letters = new Map(
    Object.entries(options).flatMap(([name, option]) =>
      option.short === undefined ? [] : [[option.short, { name, option }]],
    ),
  );
  const joined: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    // No operand of ours begins with a dash, and the parser behind would not take one from there.
    if (word === "--") return [...joined, ...rest];
    if (word.startsWith("--")) joined.push(joinLong(word, rest, known));
    else if (word.startsWith("-") && word !== "-") joined.push(...joinShort(word, rest, letters));
    else joined.push(word);
  }
  return joined;
}

interface Named {
  readonly name: string;
  readonly option: Option;
}

function joinLong(word: string, rest: string[], known: ReadonlyMap<string, Named>): string {
  const [, written = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const negated = /^no-(.+)$/.exec(written)?.[1];
  const switched = negated === undefined ? undefined : known.get(foldName(negated));
  if (switched?.option.takes === "switch" && value === undefined) return `--${switched.name}=false`;
  const named = known.get(foldName(written));
  if (named === undefined) return word;
  return `--${named.name}=${value ?? takeValue(named, rest)}`;
}

function joinShort(word: string, rest: string[], letters: ReadonlyMap<string, Named>): readonly string[] {
  const joined: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const named = letters.get(word.charAt(at));
    if (named === undefined) return [...joined, `-${word.slice(at)}`];
    if (named.option.takes === "switch") {
      joined.push(`--${named.name}=true`);
      continue;
    }
    const attached = word.slice(at + 1);
    joined.push(`--${named.name}=${attached === "" ? takeValue(named, rest) : attached}`);
    break;
  }
  return joined;
}

function takeValue({ name, option }: Named, rest: string[]): string {
  if (option.takes === "switch") {
    const [next] = rest;
    return next === "true" || next === "false" ? String(rest.shift()) : "true";
  }
  const value = rest.shift();
  if (value === undefined) throw new Failure(`--${name}: expected a value behind it`);
  return value;
}
