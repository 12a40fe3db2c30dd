import { latin1Bytes, utf8Bytes, writeLatin1 } from "./bytes.ts";
import type { HashEncoding, HashFunction } from "./signer.ts";

/**
 * An HMAC with its key; a text is encoded as UTF-8.
 *
 * @example
 * const hmac: Hmac = prepareHmac(hash, "sha512", new TextEncoder().encode("Jefe"));
 * hmac("what do ya want for nothing?", "binary").length; // => 64
 */
export type Hmac = (message: Uint8Array | string, encoding: HashEncoding) => string;

/** Sizes of the block and the result of each hash function, in bytes. */
const BYTES: Readonly<
  Record<Parameters<HashFunction>[0], { readonly block: number; readonly hash: number }>
> = { sha256: { block: 64, hash: 32 }, sha512: { block: 128, hash: 64 } };

/**
 * Prepares an HMAC (RFC 2104) that uses one-shot hashes and computes its pads once: under load, hash objects cost several times
 * as much as a one-shot hash.
 *
 * @param hash see {@link HashFunction}.
 * @param key of any length.
 *
 * @example
 * const hmac = prepareHmac(hash, "sha256", new TextEncoder().encode("Jefe"));
 * hmac("what do ya want for nothing?", "hex").slice(0, 8); // => "5bdcc146"
 */
export function prepareHmac(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  key: Uint8Array,
): Hmac {
  const bytes = BYTES[algorithm];
  const block = new Uint8Array(bytes.block);
  block.set(key.length > bytes.block ? latin1Bytes(hash(algorithm, key, "binary")) : key);
  const withInnerPad = prepend(block.map((byte) => byte ^ 0x36));
  const outer = new Uint8Array(bytes.block + bytes.hash);
  outer.set(block.map((byte) => byte ^ 0x5c));
  return (message, encoding) => {
    writeLatin1(hash(algorithm, withInnerPad(message), "binary"), outer, bytes.block);
    return hash(algorithm, outer, encoding);
  };
}

/** The longest message whose room is kept for the next one, in bytes. */
const MAX_KEPT_BYTES = 1_024;

/** Messages share one buffer, as long as the longest of them: a new one costs as much as a hash. */
function prepend(pad: Uint8Array): (message: Uint8Array | string) => Uint8Array {
  let kept = pad;
  let rest = kept.subarray(pad.length);
  const reserve = (length: number): void => {
    if (rest.length >= length) return;
    kept = new Uint8Array(pad.length + length);
    kept.set(pad);
    rest = kept.subarray(pad.length);
  };
  return (message) => {
    if (message.length > MAX_KEPT_BYTES) return prependBytes(pad, bytesOf(message));
    reserve(message.length);
    if (typeof message !== "string") {
      rest.set(message);
      return kept.subarray(0, pad.length + message.length);
    }
    const { read, written } = UTF8.encodeInto(message, rest);
    // Characters of several bytes may not have had room.
    return read === message.length
      ? kept.subarray(0, pad.length + written)
      : prependBytes(pad, utf8Bytes(message));
  };
}

function bytesOf(message: Uint8Array | string): Uint8Array {
  return typeof message === "string" ? utf8Bytes(message) : message;
}

function prependBytes(pad: Uint8Array, message: Uint8Array): Uint8Array {
  const whole = new Uint8Array(pad.length + message.length);
  whole.set(pad);
  whole.set(message, pad.length);
  return whole;
}

const UTF8 = new TextEncoder();
