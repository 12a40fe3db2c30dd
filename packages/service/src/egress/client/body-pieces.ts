import { SMALL_CHUNK_BYTES } from "../../collections/slabs.ts";
import type { Spans } from "../../http1/llhttp/spans.ts";
import { BODY_PART, SPAN_NUMBERS } from "../../http1/llhttp/spans.ts";

/**
 * The parts of one read that are body. Small ones that follow each other are joined: a read of 64 KiB can have thousands of
 * chunks of one byte, and each would take hundreds of bytes of memory and a call. Large ones are not copied.
 */
export function bodyPieces(bytes: Buffer, { numbers, count }: Spans): Buffer[] {
  const pieces: Buffer[] = [];
  /** Spans from this one on are small and not in `pieces` yet. */
  let first = 0;
  for (let index = 0; index <= count; index += 1) {
    const isEnd = index === count;
    if (!isEnd && numbers[index * SPAN_NUMBERS] === BODY_PART && lengthAt(numbers, index) < SMALL_CHUNK_BYTES)
      continue;
    join(bytes, numbers, first, index, pieces);
    if (!isEnd && numbers[index * SPAN_NUMBERS] === BODY_PART) pieces.push(sliceAt(bytes, numbers, index));
    first = index + 1;
  }
  return pieces;
}

/** Where the last part of the body ends in the bytes; 0 if there is none. */
export function bodyEnd({ numbers, count }: Spans): number {
  for (let index = count - 1; index >= 0; index -= 1) {
    if (numbers[index * SPAN_NUMBERS] === BODY_PART)
      return (numbers[index * SPAN_NUMBERS + 1] ?? 0) + lengthAt(numbers, index);
  }
  return 0;
}

function join(bytes: Buffer, numbers: Int32Array, first: number, end: number, pieces: Buffer[]): void {
  if (first === end) return;
  if (first + 1 === end) return void pieces.push(sliceAt(bytes, numbers, first));
  let length = 0;
  for (let index = first; index < end; index += 1) length += lengthAt(numbers, index);
  // Not from Node's pool: a pool that small buffers share lives as long as the last of them.
  const joined = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (let index = first; index < end; index += 1) {
    const from = numbers[index * SPAN_NUMBERS + 1] ?? 0;
    at = copy(bytes, from, from + lengthAt(numbers, index), joined, at);
  }
  pieces.push(joined);
}

function lengthAt(numbers: Int32Array, index: number): number {
  return numbers[index * SPAN_NUMBERS + 2] ?? 0;
}

function sliceAt(bytes: Buffer, numbers: Int32Array, index: number): Buffer {
  const from = numbers[index * SPAN_NUMBERS + 1] ?? 0;
  return bytes.subarray(from, from + lengthAt(numbers, index));
}

/** A call of `copy` costs as much as a loop over this many bytes. */
const MAX_LOOPED_BYTES = 32;

/** @returns where the copy ends. */
function copy(bytes: Buffer, from: number, to: number, target: Buffer, at: number): number {
  if (to - from > MAX_LOOPED_BYTES) return at + bytes.copy(target, at, from, to);
  for (let index = from; index < to; index += 1) target[at + index - from] = bytes[index] ?? 0;
  return at + to - from;
}
