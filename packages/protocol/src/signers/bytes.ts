import type { HashEncoding, HashFunction } from "./signer.ts";

const UTF8 = new TextEncoder();

/** Shared buffer for texts that are hashed at once: a new one for each would cost ten times as much as the hash. */
const SCRATCH_BUFFER = new Uint8Array(16 * 1024);

export function utf8Bytes(text: string): Uint8Array {
  return UTF8.encode(text);
}

/**
 * Encodes one byte for each character, as header values are sent.
 *
 * @throws RangeError at a character over U+00FF: cut to a byte, it would sign a text that was not sent.
 */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeLatin1(text, bytes, 0);
  return bytes;
}

/** Writes one byte for each character. @throws RangeError at a character over U+00FF. */
export function writeLatin1(text: string, bytes: Uint8Array, at: number): void {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0xff) throw new RangeError("text to be signed has a character over U+00FF");
    bytes[at + index] = code;
  }
}

/** Hashes one byte for each character. */
export function hashLatin1(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  text: string,
  encoding: HashEncoding,
): string {
  const { read, written } = UTF8.encodeInto(text, SCRATCH_BUFFER);
  const isAscii = read === text.length && written === text.length;
  return hash(algorithm, isAscii ? SCRATCH_BUFFER.subarray(0, written) : latin1Bytes(text), encoding);
}

export function hashUtf8(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  text: string,
  encoding: HashEncoding,
): string {
  const { read, written } = UTF8.encodeInto(text, SCRATCH_BUFFER);
  return hash(
    algorithm,
    read === text.length ? SCRATCH_BUFFER.subarray(0, written) : utf8Bytes(text),
    encoding,
  );
}
