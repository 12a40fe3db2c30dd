import { TOKEN_PATTERN } from "capability-protocol";
import type { Failure } from "./failure/failure.ts";
import type { World } from "./world.ts";

const RED = "\u001B[31m";
const DIM = "\u001B[2m";
const PLAIN = "\u001B[0m";

/** What could move a terminal's cursor or turn the direction of its text, line breaks aside. */
export const ACTING: RegExp = /[^\n\P{C}]|[\u2028\u2029]/gu;

const TOKEN = new RegExp(TOKEN_PATTERN, "g");

/** What standard error shows of a failure. */
export function formatFailure({ message, next }: Failure, isColoured: boolean): string {
  const head = isColoured ? `${RED}FAILED${PLAIN}` : "FAILED";
  const text = [message, ...(next === undefined ? [] : ["", next])].join("\n");
  return `${head}\n${showable(text)}\n`;
}

/** One line on what can be done next, for a person who sees both the answer and this. */
export function hint(world: Pick<World, "stdout" | "stderr" | "isColoured">, line: string): void {
  if (world.stdout.isTTY !== true || world.stderr.isTTY !== true) return;
  const text = showable(line);
  world.stderr.write(world.isColoured ? `${DIM}${text}${PLAIN}\n` : `${text}\n`);
}

/** Nothing in a message acts on the terminal, whoever wrote it, and no token stands in it. */
export function showable(text: string): string {
  return text.replace(TOKEN, "CPBLTY1-...").replace(ACTING, "?");
}

/** A JSON escape, `\u001b`; two of them for a surrogate pair. */
export function escapeCharacter(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}
