import type { HashFunction } from "./signer.ts";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const UTF8 = new TextEncoder();

/** Shared buffer for texts that are hashed at once: a new one for each would cost ten times as much as the hash. */
const SCRATCH_BUFFER = new Uint8Array(16 * 1024);

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

export function utf8Bytes(text: string): Uint8Array {
  return UTF8.encode(text);
}

/**
 * Encodes one byte for each character, as header values are sent.
 *
 * @throws RangeError at a character over U+00FF: cut to a byte, it would sign a text that was not sent.
 */
export function latin1Bytes(text: string): Uint8Array {
  const ascii = UTF8.encode(text);
  if (ascii.length === text.length) return ascii;
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0xff) throw new RangeError("text to be signed has a character over U+00FF");
    bytes[index] = code;
  }
  return bytes;
}

export function hashLatin1(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  text: string,
): Uint8Array {
  const { read, written } = UTF8.encodeInto(text, SCRATCH_BUFFER);
  const isAscii = read === text.length && written === text.length;
  return hash(algorithm, isAscii ? SCRATCH_BUFFER.subarray(0, written) : latin1Bytes(text));
}

export function hashUtf8(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  text: string,
): Uint8Array {
  const { read, written } = UTF8.encodeInto(text, SCRATCH_BUFFER);
  return hash(algorithm, read === text.length ? SCRATCH_BUFFER.subarray(0, written) : utf8Bytes(text));
}

/** Decodes one character for each byte. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
