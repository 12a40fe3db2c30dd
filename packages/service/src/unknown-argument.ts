import { toKebabCase } from "./flag-names.ts";
import { VARIABLE_PREFIX } from "./variables.ts";

/** The message for a flag without its value. */
export const VALUE_EXPECTED = "missing value";

/** Explains an error of the parser: which word is wrong, whether a flag or a variable, and which help lists the right ones. */
export function explainParserError(
  message: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): string {
  const missingValueOf = /^Not enough arguments following: (\S+)/.exec(message)?.[1];
  if (missingValueOf !== undefined) return `--${missingValueOf}: ${VALUE_EXPECTED}`;
  const names = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  // With an unknown command the parser knows no variable either: the word on the command line is the error.
  const unknown = names.find((name) => args.includes(name)) ?? names[0];
  if (unknown === undefined) return `${message}. "membrane --help" shows how`;
  if (args.includes(unknown)) return explainUnexpected(unknown, args);
  const written = findFlag(unknown, args);
  if (written !== undefined) return explainFlag(written, args);
  const flag = `--${toKebabCase(unknown)}`;
  const folded = unknown.replaceAll("-", "").toLowerCase();
  const matchesFlag = (name: string): boolean =>
    name.startsWith(VARIABLE_PREFIX) &&
    name.slice(VARIABLE_PREFIX.length).replaceAll("_", "").toLowerCase() === folded;
  const variable = Object.keys(environment).find(matchesFlag) ?? `${VARIABLE_PREFIX}${unknown}`;
  const [, negated = ""] = variable.split(`${VARIABLE_PREFIX}NO_`);
  return ON_BY_DEFAULT.has(negated)
    ? `${variable}: expected ${VARIABLE_PREFIX}${negated}=false instead`
    : `${variable}: no such variable, since there is no flag ${flag}. "membrane serve --help" lists them`;
}

/** What `--no-FLAG` turns off. As a variable, the flag does without `NO_`. */
const ON_BY_DEFAULT: ReadonlySet<string> = new Set(["HEAD_MEMO", "PROFILE", "TLS"]);

/** The flag as it was written. The parser reports it without dashes, in camel case: `maxFrobs`. */
function findFlag(unknown: string, words: readonly string[]): string | undefined {
  const name = toKebabCase(unknown);
  return words
    .filter((word) => word.startsWith("-"))
    .find((word) => toKebabCase(withoutValue(word).replace(/^-+/, "")) === name);
}

function withoutValue(word: string): string {
  return word.replace(/=.*/s, "");
}

function explainFlag(written: string, args: readonly string[]): string {
  const flag = withoutValue(written);
  if (flag !== written && flag.startsWith("--no-")) return `${flag}: expected without a value`;
  const expected = flag === flag.toLowerCase() ? "" : "; flags are in lower case";
  return `${flag}: no such flag${expected}. "${commandOf(args)} --help" lists them`;
}

/** The command that was given, as its help is called. */
function commandOf([first = "", second = ""]: readonly string[]): string {
  if (first === "" || first.startsWith("-")) return "membrane serve";
  return GROUPS.has(first) && !second.startsWith("-")
    ? `membrane ${first} ${second}`.trim()
    : `membrane ${first}`;
}

/** Commands that have subcommands. */
const GROUPS: ReadonlySet<string> = new Set(["audit", "key", "membrane", "tenant"]);

/** Explains a word in place of a command, or after a command that takes no more words. */
function explainUnexpected(unknown: string, args: readonly string[]): string {
  const [first = "", second = ""] = args;
  if (unknown === first) return `${unknown}: no such command. "membrane --help" lists them`;
  if (!GROUPS.has(first))
    return `${unknown}: unexpected argument. "membrane ${first} --help" shows what it takes`;
  return unknown === second
    ? `${unknown}: no such command. "membrane ${first} --help" lists them`
    : `${unknown}: unexpected argument. "membrane ${first} ${second} --help" shows what it takes`;
}
