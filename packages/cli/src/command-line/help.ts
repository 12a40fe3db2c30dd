import type { Argv } from "yargs";
import yargs from "yargs";
import { ENTRIES, GROUPS } from "./entries.ts";
import type { Entry } from "./entry.ts";

/** With this word a shell asks how the words behind it can go on. */
export const COMPLETION_REQUEST = "--get-yargs-completions";

/** Prints the help of a command, of a group or of the program. */
export async function printHelp(path: readonly string[]): Promise<void> {
  await createParser().parseAsync([...path, "--help"]);
}

/** Prints how the words behind {@link COMPLETION_REQUEST} can go on; the last one is being written. */
export async function printCompletions(words: readonly string[]): Promise<void> {
  await createParser().parseAsync([...words]);
}

/** Prints the script that makes the shell that `SHELL` names ask: zsh, else bash. */
export function printCompletionScript(): void {
  createParser().completion("completion", false).showCompletionScript();
}

/** Knows the tables, and judges nothing. */
function createParser(): Argv {
  const parser = yargs()
    .scriptName("capi")
    .locale("en")
    .parserConfiguration({ "camel-case-expansion": false })
    .usage("$0 <command>\n\nMakes, uses, passes on and revokes capabilities.")
    .epilogue(
      "A secret need not show in the list of processes: give @FILE, or @- for standard input, in its place.",
    )
    .help()
    .alias({ help: "h", version: "v" })
    .exitProcess(false);
  const groups = GROUPS.reduce(
    (argv, [word, describe]) => argv.command(word, describe, (group) => addEntries(group, `${word} `)),
    parser,
  );
  return addEntries(groups, "");
}

/** The entries whose names are one word behind the prefix. */
function addEntries(argv: Argv, prefix: string): Argv {
  return ENTRIES.filter(
    ({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "),
  ).reduce((group, entry) => {
    const operand = entry.operand === undefined ? "" : ` [${entry.operand.name}]`;
    const word = `${entry.name.slice(prefix.length)}${operand}`;
    return group.command(word, entry.describe, (command) => addOptions(command, entry));
  }, argv);
}

function addOptions(argv: Argv, { operand, options, examples }: Entry): Argv {
  const withOperand =
    operand === undefined
      ? argv
      : argv.positional(operand.name, { describe: operand.describe, type: "string" });
  return Object.entries(options)
    .reduce(
      (command, [name, { describe, choices, short, group = "Options:" }]) =>
        command.option(name, { describe, group, choices, alias: short, nargs: 1 }),
      withOperand,
    )
    .epilogue(["Examples:", ...examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}`)].join("\n\n"));
}
