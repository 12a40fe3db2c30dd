import type { Argv } from "yargs";
import yargs from "yargs";
import { COMMAND_SPECS, COMMAND_GROUPS } from "./command-specs.ts";
import type { CommandSpec } from "./command-spec.ts";

/** With this word a shell asks how the words behind it can go on. */
export const COMPLETION_REQUEST = "--get-yargs-completions";

/** Prints the help of a command, of a group or of the program. */
export async function printHelp(path: readonly string[]): Promise<void> {
  await createParser().parseAsync([...path, "--help"]);
}

/** Prints how the words behind {@link COMPLETION_REQUEST} can go on; the last one is being written. */
export async function printCompletions(args: readonly string[]): Promise<void> {
  await createParser().parseAsync([...args]);
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
  const groups = COMMAND_GROUPS.reduce(
    (argv, [word, describe]) => argv.command(word, describe, (group) => addCommands(group, `${word} `)),
    parser,
  );
  return addCommands(groups, "");
}

/** The entries whose names are one word behind the prefix. */
function addCommands(argv: Argv, prefix: string): Argv {
  return COMMAND_SPECS.filter(
    ({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes(" "),
  ).reduce((group, spec) => {
    const operand = spec.operand === undefined ? "" : ` [${spec.operand.name}]`;
    const word = `${spec.name.slice(prefix.length)}${operand}`;
    return group.command(word, spec.describe, (command) => addOptions(command, spec));
  }, argv);
}

function addOptions(argv: Argv, { operand, options, examples }: CommandSpec): Argv {
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
