import { parseHelp } from "./help.js";

/** @import { Section } from "./help.js" */

/** Options of every command. */
const COMMON = new Set(["-h, --help", "-v, --version"]);

/**
 * Writes the manual page of a program from the help of all its commands.
 *
 * @param {string} program
 * @param {{ version: string, date: string, seeAlso: string, help: (words: readonly string[]) => Promise<string> }} options `date` is
 *   YYYY-MM-DD; `help` gives the help of the command that the words name.
 * @returns {Promise<string>} in the language of man(7).
 */
export async function manPage(program, { version, date, seeAlso, help }) {
  const top = parseHelp(await help([]));
  const commands = await readCommands([program], help);
  return [
    `.TH ${escape(program.toUpperCase())} 1 "${date}" "membrane ${version}" "User commands"`,
    `.SH NAME\n${escape(program)} \\- ${escape(lowerFirst(top.description.replace(/\.$/, "")))}`,
    `.SH SYNOPSIS\n.B ${escape(program)}\n.I COMMAND\n.RI [ OPTION ]...`,
    `.SH DESCRIPTION\n${escape(top.description)}\n.PP\n${escape(top.closing)}`,
    ".SH COMMANDS",
    ...commands.map(formatCommand),
    `.SH SEE ALSO\n.BR ${escape(seeAlso)} (1),\n.BR membrane\\-admin (8)`,
    "",
  ].join("\n");
}

/**
 * @param {readonly string[]} path program and words of a command or group
 * @param {(words: readonly string[]) => Promise<string>} help
 * @returns {Promise<ReturnType<typeof parseHelp>[]>} of each command in the order of the help, groups left out
 */
async function readCommands(path, help) {
  const parsed = parseHelp(await help(path.slice(1)));
  const group = parsed.sections.find(({ heading }) => heading === "Commands:");
  if (group === undefined) return [parsed];
  const members = [];
  // A row names the operand, too: `membrane backup [directory]`.
  for (const [name] of group.rows)
    members.push(...(await readCommands(name.replace(/ \[.*$/, "").split(" "), help)));
  return members;
}

/** @param {ReturnType<typeof parseHelp>} command */
function formatCommand({ usage, description, sections }) {
  return [`.SS ${escape(usage)}\n${escape(description)}`, ...sections.map(formatSection)]
    .filter((part) => part !== "")
    .join("\n");
}

/** @param {Section} section */
function formatSection({ heading, rows, lines }) {
  const shown = rows.filter(([name]) => !COMMON.has(name));
  if (shown.length === 0 && lines.length === 0) return "";
  const title = `.PP\n.I ${escape(heading)}`;
  if (lines.length > 0) return `${title}\n.EX\n${lines.map(escape).join("\n")}\n.EE`;
  return [title, ...shown.map(([name, text]) => `.TP\n.B ${escape(name)}\n${escape(text)}`)].join("\n");
}

/** Escapes what the formatter would read as its own. @param {string} text */
function escape(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, "\\&$1");
}

/** @param {string} text */
function lowerFirst(text) {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
