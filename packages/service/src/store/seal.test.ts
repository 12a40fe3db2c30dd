import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  KEY_BYTES,
  generateKeyPair,
  seal,
  sealForRecipient,
  UnsealError,
  unseal,
  openAsRecipient,
} from "./seal.ts";

const key = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES });
const bytes = fc.uint8Array({ maxLength: 200 });

function flipped(of: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(of);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

test("what was sealed opens with the same key and the same bound bytes", () => {
  fc.assert(
    fc.property(key, bytes, bytes, (sealingKey, plaintext, bound) => {
      expect(
        Buffer.from(plaintext).equals(unseal(sealingKey, seal(sealingKey, plaintext, bound), bound)),
      ).toBe(true);
    }),
  );
});

test("another bit anywhere in the key, the bound bytes or what was sealed, and nothing opens", () => {
  const sealingKey = randomBytes(KEY_BYTES);
  const bound = Buffer.from("record of a membrane");
  const sealed = seal(sealingKey, Buffer.from("two tokens"), bound);
  for (let bit = 0; bit < sealingKey.length * 8; bit += 1) {
    expect(() => unseal(flipped(sealingKey, bit), sealed, bound)).toThrow(UnsealError);
  }
  for (let bit = 0; bit < bound.length * 8; bit += 1) {
    expect(() => unseal(sealingKey, sealed, flipped(bound, bit))).toThrow(UnsealError);
  }
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    expect(() => unseal(sealingKey, flipped(sealed, bit), bound)).toThrow(UnsealError);
  }
});

test("sealed bytes that are cut short or empty do not open, and the error is the same kind", () => {
  const sealingKey = randomBytes(KEY_BYTES);
  const bound = Buffer.alloc(0);
  const sealed = seal(sealingKey, Buffer.from("secret"), bound);
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => unseal(sealingKey, sealed.subarray(0, length), bound)).toThrow(UnsealError);
  }
});

test("the same plaintext under the same key never looks the same twice", () => {
  const sealingKey = randomBytes(KEY_BYTES);
  const nonces = Array.from({ length: 200 }, () =>
    seal(sealingKey, Buffer.from("same"), Buffer.alloc(0)).subarray(0, 12).toString("hex"),
  );
  expect(new Set(nonces).size).toBe(200);
});

test("what was sealed to a public key opens with its private key", () => {
  const pair = generateKeyPair();
  fc.assert(
    fc.property(bytes, bytes, (plaintext, bound) => {
      const opened = openAsRecipient(pair, sealForRecipient(pair.publicKey, plaintext, bound), bound);
      expect(opened.equals(Buffer.from(plaintext))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("what was sealed to a public key opens with no other key: not another pair, not the public half, not one that lies", () => {
  const pair = generateKeyPair();
  const other = generateKeyPair();
  const bound = Buffer.from("bound");
  const sealed = sealForRecipient(pair.publicKey, Buffer.from("tokens"), bound);
  const pretenders = [
    other,
    { publicKey: pair.publicKey, privateKey: other.privateKey },
    { publicKey: pair.publicKey, privateKey: pair.publicKey },
    { publicKey: other.publicKey, privateKey: pair.privateKey },
  ];
  for (const keys of pretenders) expect(() => openAsRecipient(keys, sealed, bound)).toThrow(UnsealError);
});

test("sealing to a public key binds the bound bytes, the ephemeral key and every other byte", () => {
  const pair = generateKeyPair();
  const bound = Buffer.from("bound");
  const sealed = sealForRecipient(pair.publicKey, Buffer.from("tokens"), bound);
  expect(() => openAsRecipient(pair, sealed, Buffer.from("bounD"))).toThrow(UnsealError);
  // Every bit: X25519 itself ignores the highest one of a public key.
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    expect(() => openAsRecipient(pair, flipped(sealed, bit), bound), `bit ${bit}`).toThrow(UnsealError);
  }
  for (let length = 0; length < sealed.length; length += 7) {
    expect(() => openAsRecipient(pair, sealed.subarray(0, length), bound)).toThrow(UnsealError);
  }
});

test("a key pair has two halves of 32 bytes, and no two are the same", () => {
  const pairs = Array.from({ length: 20 }, generateKeyPair);
  for (const pair of pairs) expect([pair.publicKey.length, pair.privateKey.length]).toEqual([32, 32]);
  expect(new Set(pairs.map(({ privateKey }) => privateKey.toString("hex"))).size).toBe(20);
});

const SEALS = 40_000;
const MAX_SEALING_MS = 30_000;

/** Seals in a process that collects all garbage after each mebibyte that it allocates, as often as it can in half a minute. */
const SEAL_SCRIPT = `
import { generateKeyPair, sealForRecipient } from ${JSON.stringify(fileURLToPath(new URL("../../dist/store/seal.js", import.meta.url)))};
const { publicKey } = generateKeyPair();
const tokens = Buffer.from("tokens");
for (let seal = 0; seal < ${SEALS} && performance.now() < ${MAX_SEALING_MS}; seal += 1) sealForRecipient(publicKey, tokens, tokens);
process.stdout.write("sealed");`;

test("sealing to a public key never waits for itself, whenever garbage is collected", async () => {
  const flags = ["--gc-global", "--max-semi-space-size=1", "--input-type=module"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "-e", SEAL_SCRIPT], {
    timeout: 90_000,
    killSignal: "SIGKILL",
  });
  expect(stdout).toBe("sealed");
});
