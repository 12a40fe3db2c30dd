import type { Socket } from "node:net";

/** What one side says on a connection. */
export interface Script {
  /** One character a byte, with placeholders. */
  readonly bytes: string;
  /** Whether the grammar wrote it as it should be, and no mutation changed it since. */
  readonly isSound: boolean;
  /** Where it is cut in pieces with turns of the event loop between them, in parts of 10,000 of its length. */
  readonly cuts: readonly number[] | "every byte";
  readonly ending: Ending;
}

/** What comes after the last byte: nothing, the end in order (FIN), or a reset (RST). */
export type Ending = "none" | "fin" | "reset";

/** Stands for what no other exchange says; as long as a mark, so that lengths hold. */
export const MARK = "Zmmmmmmm";

/** Stand for the digits of a mark: nothing that grammars write can be put together to a mark. */
const DIGITS = "GHJKNPQRVW";

const MARKS = new RegExp(`Z[${DIGITS}]{7}`, "g");

/** A mark for each number. */
export function markOf(number: number): string {
  return `Z${String(number).padStart(7, "0")}`.replaceAll(/\d/g, (digit) => DIGITS[Number(digit)] ?? "");
}

/** All marks in what was received. */
export function marksIn(bytes: string): readonly string[] {
  return Array.from(new Set(bytes.match(MARKS)));
}

/** Beyond these many single bytes the rest comes in one piece. */
const SINGLE_BYTES = 500;

/**
 * The bytes in pieces.
 *
 * @param last from here on nothing is cut.
 */
export function inPieces(bytes: string, cuts: Script["cuts"], last: number = bytes.length): string[] {
  const places =
    cuts === "every byte"
      ? Array.from({ length: Math.min(SINGLE_BYTES, bytes.length) }, (_, index) => index)
      : cuts.map((part) => Math.floor((part * bytes.length) / 10_000));
  const sorted = Array.from(new Set(places)).toSorted((a, b) => a - b);
  const inner = sorted.filter((place) => place > 0 && place < last);
  return [0, ...inner].map((place, index) => bytes.slice(place, inner[index]));
}

/** The bytes as a string of JavaScript, in which a body is not longer than what is to be seen of it. */
export function printable(bytes: string): string {
  return JSON.stringify(bytes).replaceAll(
    /((?:Z[mG-W]{7}){3,})/g,
    (all: string) => `${all.slice(0, MARK.length)}".repeat(${all.length / MARK.length})"`,
  );
}

/** Says it, piece by piece, unless the connection is over before. */
export async function sendPieces(socket: Socket, pieces: readonly string[], ending: Ending): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return;
    socket.write(Buffer.from(piece, "latin1"));
    await turn();
  }
  if (ending === "fin") socket.end();
  if (ending === "reset") socket.resetAndDestroy();
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
