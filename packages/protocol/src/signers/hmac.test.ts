import { createHmac, hash } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { utf8Bytes } from "./bytes.ts";
import { prepareHmac } from "./hmac.ts";
import type { HashFunction } from "./signer.ts";

const hashFunction: HashFunction = hash;

test("the result for RFC 4231 test case 2 is the published one", () => {
  const hmac = prepareHmac(hashFunction, "sha256", utf8Bytes("Jefe"));
  expect(hmac(utf8Bytes("what do ya want for nothing?"), "hex")).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

test("one prepared key gives the same results as Node's HMAC for messages of any lengths, one after the other", () => {
  const key = fc.uint8Array({ maxLength: 300 });
  const lengths = fc.oneof(fc.nat(200), fc.integer({ min: 1_000, max: 1_050 }));
  const message = fc.oneof(
    lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    lengths.map((length) => "aé".repeat(length / 2)),
    fc.string({ unit: "binary" }),
  );
  const messages = fc.array(message, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom("sha256", "sha512"), key, messages, (algorithm, secret, list) => {
      const hmac = prepareHmac(hashFunction, algorithm, secret);
      for (const next of [...list, ...list]) {
        for (const encoding of ["base64url", "binary", "hex"] as const) {
          const expected = createHmac(algorithm, secret).update(next).digest(encoding);
          expect(hmac(next, encoding)).toBe(expected);
        }
      }
    }),
  );
});

test.each([
  ["sha256", 64],
  ["sha512", 128],
] as const)(
  "keys of about the block size of %s, %i bytes, give the same results as Node's",
  (algorithm, block) => {
    for (let length = block - 2; length < block + 10; length++) {
      const key = new Uint8Array(length).fill(length);
      const expected = createHmac(algorithm, key).update("message").digest("hex");
      const hmac = prepareHmac(hashFunction, algorithm, key);
      expect(hmac(utf8Bytes("message"), "hex")).toBe(expected);
    }
  },
);
