import { utf8Bytes } from "./bytes.ts";
import type { HashFunction } from "./signer.ts";

/** An HMAC with its key; a text is encoded as UTF-8. */
export type Hmac = (message: Uint8Array | string) => Uint8Array;

/** Block size of each hash function, in bytes. */
const BLOCK_BYTES: Readonly<Record<Parameters<HashFunction>[0], number>> = { sha256: 64, sha512: 128 };

/**
 * Prepares an HMAC (RFC 2104) that uses one-shot hashes and computes its pads once: under load, hash objects cost several times
 * as much as a one-shot hash.
 */
export function prepareHmac(
  hash: HashFunction,
  algorithm: Parameters<HashFunction>[0],
  key: Uint8Array,
): Hmac {
  const blockBytes = BLOCK_BYTES[algorithm];
  const block = new Uint8Array(blockBytes);
  block.set(key.length > blockBytes ? hash(algorithm, key) : key);
  const withInnerPad = prepend(block.map((byte) => byte ^ 0x36));
  const withOuterPad = prepend(block.map((byte) => byte ^ 0x5c));
  return (message) => hash(algorithm, withOuterPad(hash(algorithm, withInnerPad(message))));
}

/** Consecutive messages of one length, as in signatures, share one buffer. */
function prepend(pad: Uint8Array): (message: Uint8Array | string) => Uint8Array {
  let whole = pad;
  let rest = whole.subarray(pad.length);
  const resize = (length: number): void => {
    if (rest.length === length) return;
    whole = new Uint8Array(pad.length + length);
    whole.set(pad);
    rest = whole.subarray(pad.length);
  };
  return (message) => {
    if (typeof message !== "string") {
      resize(message.length);
      rest.set(message);
      return whole;
    }
    resize(message.length);
    const { read, written } = UTF8.encodeInto(message, rest);
    // The text has characters of several bytes.
    return read === message.length && written === message.length
      ? whole
      : prependBytes(pad, utf8Bytes(message));
  };
}

function prependBytes(pad: Uint8Array, message: Uint8Array): Uint8Array {
  const whole = new Uint8Array(pad.length + message.length);
  whole.set(pad);
  whole.set(message, pad.length);
  return whole;
}

const UTF8 = new TextEncoder();
