import { hash } from "node:crypto";

/**
 * Hashes without a hash object, which the garbage collector has to finalize. To text first: a buffer that the hash function allocates
 * costs more than the hash.
 */
export function oneShotHash(algorithm: "sha256" | "sha512", bytes: Uint8Array): Buffer {
  return Buffer.from(hash(algorithm, bytes, "binary"), "latin1");
}
