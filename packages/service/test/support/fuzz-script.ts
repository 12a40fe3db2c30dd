import type { Socket } from "node:net";

/** The bytes that one side sends on a connection. */
export interface Script {
  /** One character a byte, with placeholders. */
  readonly bytes: string;
  /** Whether it is valid: written by the grammar and not mutated. */
  readonly isSound: boolean;
  /** Where it is split into pieces, with turns of the event loop in between, in parts of 10,000 of its length. */
  readonly cuts: readonly number[] | "every byte" | "after every CR";
  readonly ending: Ending;
}

/** What follows the last byte: nothing, an end in order (FIN), or a reset (RST). */
export type Ending = "none" | "fin" | "reset";

/** Placeholder for a text that no other exchange has; as long as a mark, so that lengths stay valid. */
export const MARK = "Zmmmmmmm";

/** The digits of marks. No combination of texts of the grammars is a mark. */
const DIGITS = "GHJKNPQRVW";

const MARKS = new RegExp(`Z[${DIGITS}]{7}`, "g");

/** Returns the mark for a number. */
export function markOf(number: number): string {
  return `Z${String(number).padStart(7, "0")}`.replaceAll(/\d/g, (digit) => DIGITS[Number(digit)] ?? "");
}

/** Finds all marks in received bytes. */
export function marksIn(bytes: string): readonly string[] {
  return Array.from(new Set(bytes.match(MARKS)));
}

/** After this many single bytes, the rest is sent in one piece. */
const SINGLE_BYTES = 500;

/**
 * Splits the bytes into pieces.
 *
 * @param last index from which nothing is split.
 */
export function inPieces(bytes: string, cuts: Script["cuts"], last: number = bytes.length): string[] {
  const sorted = Array.from(new Set(placesOf(bytes, cuts))).toSorted((a, b) => a - b);
  const inner = sorted.filter((place) => place > 0 && place < last);
  return [0, ...inner].map((place, index) => bytes.slice(place, inner[index]));
}

function placesOf(bytes: string, cuts: Script["cuts"]): readonly number[] {
  if (typeof cuts !== "string") return cuts.map((part) => Math.floor((part * bytes.length) / 10_000));
  const places = Array.from({ length: Math.min(SINGLE_BYTES, bytes.length) }, (_, index) => index);
  return cuts === "every byte" ? places : places.filter((place) => bytes[place - 1] === "\r");
}

/** Formats the bytes as a JavaScript string with long bodies shortened. */
export function printable(bytes: string): string {
  return JSON.stringify(bytes).replaceAll(
    /((?:Z[mG-W]{7}){3,})/g,
    (all: string) => `${all.slice(0, MARK.length)}".repeat(${all.length / MARK.length})"`,
  );
}

/** Sends the bytes piece by piece, unless the connection ends before. */
export async function sendPieces(socket: Socket, pieces: readonly string[], ending: Ending): Promise<void> {
  for (const piece of pieces) {
    // Before the first one too: an immediate of this turn comes before the other side reads.
    await turn();
    if (!socket.writable) return;
    socket.write(Buffer.from(piece, "latin1"));
  }
  await turn();
  if (ending === "fin") socket.end();
  if (ending === "reset") socket.resetAndDestroy();
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
