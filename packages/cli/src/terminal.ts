import { TOKEN_PATTERN } from "capability-protocol/token";
import type { CliError } from "./errors/cli-error.ts";
import type { Io } from "./io.ts";

const RED = "\u001B[31m";
const YELLOW = "\u001B[33m";
const DIM = "\u001B[2m";
const RESET = "\u001B[0m";

/** Characters that could move a terminal's cursor or reverse the direction of text, except line breaks. */
export const CONTROL_CHARACTERS: RegExp = /[^\n\P{C}]|[\u2028\u2029]/gu;

const TOKEN = new RegExp(TOKEN_PATTERN, "g");

/** Formats an error for standard error. */
export function formatError({ message, hint }: CliError, isColored: boolean): string {
  const head = isColored ? `${RED}FAILED${RESET}` : "FAILED";
  const text = [message, ...(hint === undefined ? [] : ["", hint])].join("\n");
  return `${head}\n${sanitize(text)}\n`;
}

/** Prints one line about what succeeded and is probably not what was meant. */
export function printWarning({ stderr, isColored }: Pick<Io, "stderr" | "isColored">, line: string): void {
  stderr.write(`${isColored ? `${YELLOW}WARNING${RESET}` : "WARNING"} ${sanitize(line)}\n`);
}

/** Prints one line on what to do next, if both outputs are a terminal. */
export function printHint(io: Pick<Io, "stdout" | "stderr" | "isColored">, line: string): void {
  if (io.stdout.isTTY !== true || io.stderr.isTTY !== true) return;
  const text = sanitize(line);
  io.stderr.write(io.isColored ? `${DIM}${text}${RESET}\n` : `${text}\n`);
}

/** Replaces control characters and hides tokens. */
export function sanitize(text: string): string {
  return text.replace(TOKEN, "CPBLTY1-...").replace(CONTROL_CHARACTERS, "?");
}

/** Formats a character as a JSON escape, `\u001b`, or as two for a surrogate pair. */
export function escapeCharacter(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}
