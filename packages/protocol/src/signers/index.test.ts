import { hash } from "node:crypto";

import { expect, test } from "vitest";

import { createSigner } from "./index.ts";
import type { HashFunction } from "./signer.ts";

const hashFunction: HashFunction = hash;
const REQUEST = { method: "GET", path: "/", query: "", headers: ["Host", "example.com"] };

test("each scheme gets the signer of its name", () => {
  const aws4 = createSigner(
    {
      scheme: "aws4-hmac-sha256",
      awsAccessKeyId: "a",
      region: "r",
      service: "s",
      secretAccessKey: "k",
    },
    [],
    hashFunction,
  );
  const cap1 = createSigner({ scheme: "cap1-hmac-sha512", key: "abcd", keyId: "k" }, [], hashFunction);
  expect(aws4.sign(REQUEST, "", new Date()).at(-1)).toMatch(/^AWS4-HMAC-SHA256 /);
  expect(cap1.sign(REQUEST, "", new Date()).at(-1)).toMatch(/^CAP1-HMAC-SHA512 /);
});
