import type { CommandSpec } from "../parse/command-spec.ts";
import type { OptionSpec } from "../parse/option-spec.ts";
import { formatRows } from "./format-rows.ts";
import type { Row } from "./format-rows.ts";

/** First words that several commands share, each with its description. */
export type CommandGroups = readonly (readonly [word: string, describe: string])[];

/** Options of every command. The parser handles them itself. */
export const COMMON_OPTIONS: readonly (readonly [name: string, option: OptionSpec])[] = [
  ["version", { takes: "switch", short: "v", describe: "Show version number" }],
  ["help", { takes: "switch", short: "h", describe: "Show help" }],
];

const DEFAULT_HEADING = "Options:";

/**
 * Formats the help of the command or group that the words begin with, else of the program.
 *
 * @returns lines of at most 80 columns, except examples, which are not wrapped so that they can be copied.
 */
export function formatHelp(
  path: readonly string[],
  commands: readonly CommandSpec[],
  groups: CommandGroups,
): string {
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => path[index] === word));
  if (command !== undefined) return formatCommand(command);
  const group = groups.find(([word]) => word === path[0]);
  return group === undefined ? formatProgram(commands, groups) : formatGroup(group, commands);
}

function formatProgram(commands: readonly CommandSpec[], groups: CommandGroups): string {
  const single = commands.filter(({ name }) => !name.includes(" "));
  return joinSections([
    ["capi <command>"],
    ["Creates, uses, passes on and revokes capabilities."],
    [
      "Commands:",
      ...formatRows([
        ...groups.map(([word, describe]): Row => [`capi ${word}`, describe]),
        ...single.map((command): Row => [usage(command), command.describe]),
      ]),
    ],
    ...formatOptions([]),
    [
      "To keep a secret out of the list of processes, write @FILE, or @- for standard",
      "input, in its place.",
    ],
  ]);
}

function formatGroup([word, describe]: CommandGroups[number], commands: readonly CommandSpec[]): string {
  const members = commands.filter(({ name }) => name.startsWith(`${word} `));
  const rows = members.map((command): Row => [usage(command), command.describe]);
  return joinSections([
    [`capi ${word}`],
    [describe],
    ["Commands:", ...formatRows(rows)],
    ...formatOptions([]),
  ]);
}

function formatCommand(command: CommandSpec): string {
  const { operand, options, examples } = command;
  return joinSections([
    [usage(command)],
    [command.describe],
    ...(operand === undefined ? [] : [["Positionals:", ...formatRows([[operand.name, operand.describe]])]]),
    ...formatOptions(Object.entries(options)),
    ["Examples:"],
    ...examples.map(([line, meaning]) => [`  # ${meaning}`, `  ${line}`]),
  ]);
}

function usage({ name, operand }: CommandSpec): string {
  return `capi ${name}${operand === undefined ? "" : ` [${operand.name}]`}`;
}

/** Formats a section for each heading, in the order in which the options name them. */
function formatOptions(options: readonly (readonly [name: string, option: OptionSpec])[]): string[][] {
  const sections = new Map<string, Row[]>([[DEFAULT_HEADING, []]]);
  for (const [name, option] of [...options, ...COMMON_OPTIONS]) {
    const heading = option.group ?? DEFAULT_HEADING;
    const rows = sections.get(heading) ?? [];
    rows.push(optionRow(name, option));
    sections.set(heading, rows);
  }
  return Array.from(sections, ([heading, rows]) => [heading, ...formatRows(rows)]);
}

function optionRow(name: string, { describe, short, choices }: OptionSpec): Row {
  const flag = `${short === undefined ? "    " : `-${short}, `}--${name}`;
  return [flag, choices === undefined ? describe : `${describe} [choices: ${choices.join(", ")}]`];
}

function joinSections(sections: readonly (readonly string[])[]): string {
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}
