import type { Argv } from "yargs";
import yargs from "yargs";
import type { Command } from "./command.ts";
import { Failure } from "./failure.ts";
import { CONFIG_ENTRIES } from "./options/config.ts";
import type { Entry } from "./options/entry.ts";
import { MEMBRANE_ENTRIES } from "./options/membrane.ts";
import type { Options } from "./options/option.ts";
import { REQUEST_ENTRY } from "./options/request.ts";
import type { SecretReader } from "./secret.ts";
import { explainComplaint } from "./complaint.ts";
import { joinWords } from "./words.ts";

const ENTRIES: readonly Entry[] = [...MEMBRANE_ENTRIES, REQUEST_ENTRY, ...CONFIG_ENTRIES];

/** Commands that have commands of their own. */
const GROUPS: readonly (readonly [word: string, describe: string])[] = [
  ["membrane", "Membranes: create, export, query, revoke, delete-self"],
  ["config", "Profiles: configure, list, remove"],
];

const COMPLETION_REQUEST = "--get-yargs-completions";

/** What the command line needs of the machine. */
export interface CommandLineContext {
  readonly version: string;
  readonly secrets: SecretReader;
  /** For completing `--profile`. */
  profileNames(): Promise<readonly string[]>;
  /** Writes a line to standard output. */
  print(line: string): void;
}

/**
 * Reads the command line, and the secrets that it names. Help, the version and completions are printed here; then there
 * is no command.
 *
 * @throws Failure that names what is wrong and points to the help that tells.
 */
export async function readCommandLine(
  words: readonly string[],
  context: CommandLineContext,
): Promise<Command | undefined> {
  if (words[0] === COMPLETION_REQUEST) return complete(words, context);
  let found: { readonly entry: Entry; readonly flags: Readonly<Record<string, unknown>> } | undefined;
  const parser = createParser(words, context.version, (entry, flags) => {
    found = { entry, flags };
  });
  try {
    await parser.parseAsync([...joinWords(words, optionsOf(words))]);
    return await found?.entry.read(found.flags, context.secrets);
  } catch (error) {
    throw withHelp(error, words);
  }
}

/** The last word is the one that is being written; a shell asks with all that stand before it. */
async function complete(words: readonly string[], context: CommandLineContext): Promise<undefined> {
  if (words.length > 2 && words.at(-2) === "--profile") {
    // A damaged file is no reason to put an error on the line that is being written.
    const names = await context.profileNames().catch(() => []);
    names.forEach((name) => context.print(name));
    return;
  }
  await createParser(words, context.version, () => undefined).parseAsync([...words]);
}

/** Options of the command that the words begin with; names mean the same in all, letters are curl's. */
function optionsOf(words: readonly string[]): Options {
  const all = Object.fromEntries(ENTRIES.flatMap(({ options }) => Object.entries(options)));
  return { ...all, ...entryOf(words)?.options };
}

function entryOf(words: readonly string[]): Entry | undefined {
  return ENTRIES.find(({ name }) => name.split(" ").every((word, index) => words[index] === word));
}

function createParser(
  words: readonly string[],
  version: string,
  onFound: (entry: Entry, flags: Readonly<Record<string, unknown>>) => void,
): Argv {
  const parser = yargs()
    .scriptName("capi")
    .locale("en")
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .usage("$0 <command>\n\nMakes, uses, passes on and revokes capabilities.")
    .epilogue(
      "A secret need not show in the list of processes: give @FILE, or @- for standard input, in its place.",
    );
  const single = ENTRIES.filter(({ name }) => !name.includes(" "));
  const all = GROUPS.reduce(
    (argv, [word, describe]) => argv.command(word, describe, (group) => addGroup(group, word, onFound)),
    parser,
  );
  return single
    .reduce((argv, entry) => addEntry(argv, entry, entry.name, onFound), all)
    .completion("completion", "Print the script that makes bash or zsh complete capi's words")
    .demandCommand(1, "expected a command: membrane, request, config, profiles or completion")
    .strict()
    .version(version)
    .help()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Failure(explainComplaint(message, words));
    });
}

function addGroup(argv: Argv, word: string, onFound: Parameters<typeof addEntry>[3]): Argv {
  const entries = ENTRIES.filter(({ name }) => name.startsWith(`${word} `));
  const names = entries.map(({ name }) => name.slice(word.length + 1));
  return entries
    .reduce((group, entry) => addEntry(group, entry, entry.name.slice(word.length + 1), onFound), argv)
    .demandCommand(1, `${word}: expected ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);
}

function addEntry(
  argv: Argv,
  entry: Entry,
  word: string,
  onFound: (entry: Entry, flags: Readonly<Record<string, unknown>>) => void,
): Argv {
  const operand = entry.operand === undefined ? "" : ` [${entry.operand.name}]`;
  return argv.command(
    `${word}${operand}`,
    entry.describe,
    (command) => addOptions(command, entry),
    (flags) => onFound(entry, flags),
  );
}

function addOptions(argv: Argv, { operand, options, examples }: Entry): Argv {
  const withOperand =
    operand === undefined
      ? argv
      : argv.positional(operand.name, { describe: operand.describe, type: "string" });
  return Object.entries(options)
    .reduce(
      (command, [name, { describe, choices, short, group = "Options:" }]) =>
        command.option(name, {
          describe,
          group,
          // A value of its own, never the parser's guess at a number or a list.
          nargs: 1,
          ...(choices === undefined ? {} : { choices: [...choices] }),
          ...(short === undefined ? {} : { alias: short }),
        }),
      withOperand,
    )
    .epilogue(["Examples:", ...examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`)].join("\n\n"));
}

/** Every wrong command line says where the right one is described. */
function withHelp(error: unknown, words: readonly string[]): unknown {
  if (!(error instanceof Failure) || error.next !== undefined) return error;
  return new Failure(error.message, `"${helpLine(words)}" tells what it takes.`, { cause: error.cause });
}

function helpLine(words: readonly string[]): string {
  const group = GROUPS.find(([word]) => word === words[0])?.[0];
  return ["capi", entryOf(words)?.name ?? group, "--help"].filter((word) => word !== undefined).join(" ");
}
