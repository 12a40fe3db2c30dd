import { createReadStream } from "node:fs";
import { MAX_LINE_BYTES } from "./chain.ts";

/** A line of a file, without its newline. */
export interface ReadLine {
  /** From 1. */
  readonly number: number;
  /** The first {@link MAX_LINE_BYTES} of a longer one. */
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;

/** Reads a file line by line. No more of it is in memory than the longest line that is written, whatever is in it. */
export async function* readLines(path: string): AsyncGenerator<ReadLine, void> {
  let number = 1;
  let pieces: Buffer[] = [];
  let length = 0;
  const keep = (piece: Buffer): void => {
    const kept = piece.subarray(0, MAX_LINE_BYTES - length);
    length += kept.length;
    if (kept.length > 0) pieces.push(kept);
  };
  const take = (): ReadLine => {
    const line = { number, bytes: Buffer.concat(pieces) };
    number += 1;
    pieces = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunksOf(path)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

async function* chunksOf(path: string): AsyncGenerator<Buffer, void> {
  for await (const chunk of createReadStream(path)) if (Buffer.isBuffer(chunk)) yield chunk;
}
