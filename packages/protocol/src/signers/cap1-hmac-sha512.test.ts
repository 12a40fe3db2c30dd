import { hash } from "node:crypto";

import { expect, test } from "vitest";

import {
  authorization,
  createCap1Signer,
  credentialScope,
  signingKey,
  stringToSign,
} from "./cap1-hmac-sha512.ts";
import { CAP1_KEYS, CAP1_VECTORS } from "./cap1-hmac-sha512.vectors.ts";
import type { HashFunction, SignableRequest } from "./signer.ts";

const hashFunction: HashFunction = hash;
const CONFIGURATION = { scheme: "cap1-hmac-sha512", key: "mySecret", keyId: "someId" } as const;
const NOW = new Date("2026-11-22T01:02:03Z");
const GET: SignableRequest = { method: "GET", path: "/x", query: "", headers: ["Host", "example.com"] };

function dateOf(dateTime: string): Date {
  return new Date(dateTime.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

const VECTORS = CAP1_VECTORS.flatMap((vector) =>
  CAP1_KEYS.map(({ keyId, key }, index) => ({ vector, keyId, key, expected: vector.authorizations[index] })),
);

test.each(VECTORS)(
  "the signature of the vector $vector.name with the key $keyId is the same byte for byte",
  ({ vector, keyId, key, expected }) => {
    const isDate = (name: string): boolean => name.toLowerCase() === "x-cap-date";
    const dateTime = vector.headers.find(([name]) => isDate(name))?.[1] ?? "";
    const signer = createCap1Signer({ scheme: "cap1-hmac-sha512", key, keyId }, [], hashFunction);
    const request = {
      method: vector.method,
      path: vector.path,
      query: vector.query,
      headers: vector.headers.filter(([name]) => !isDate(name)).flat(),
    };
    expect(expected).toContain(`SignedHeaders=${vector.signedHeaders},`);
    expect(signer.sign(request, "", dateOf(dateTime))).toEqual([
      "X-Cap-Date",
      dateTime,
      "Authorization",
      expected,
    ]);
  },
);

test("there are 20 vectors", () => {
  expect(VECTORS).toHaveLength(20);
});

test("one signer signs requests with other hosts, days, paths and queries correctly", () => {
  const shared = createCap1Signer(CONFIGURATION, [], hashFunction);
  const requests = ["a.example", "A.example", "b.example"].flatMap((host) =>
    ["/x", "/y"].map((path) => ({ method: "GET", path, query: `h=${host}`, headers: ["Host", host] })),
  );
  const days = [NOW, new Date("2026-11-23T01:02:03Z")];
  for (const request of [...requests, ...requests]) {
    for (const now of days) {
      const fresh = createCap1Signer(CONFIGURATION, [], hashFunction);
      expect(shared.sign(request, "", now)).toEqual(fresh.sign(request, "", now));
    }
  }
});

test("the host is in lower case in the scope, and as given in the key", () => {
  expect(credentialScope("20261122", "API.Example.com")).toBe("20261122/api.example.com/cap1_request");
  const message = new Uint8Array([1]);
  expect(signingKey(CONFIGURATION, "20261122", "A.example", hashFunction)(message, "hex")).not.toBe(
    signingKey(CONFIGURATION, "20261122", "a.example", hashFunction)(message, "hex"),
  );
});

test("header bytes are hashed as the text that a verifier on Node sees", () => {
  const time = { dateTime: "20261122T010203Z", day: "20261122" };
  const expected = hash("sha512", "x:\u00e9", "base64url");
  expect(stringToSign(time, "scope", "x:\u00e9", hashFunction)).toBe(
    `CAP1-HMAC-SHA512\n20261122T010203Z\nscope\n${expected}`,
  );
});

test("the authorization has no spaces between its parts", () => {
  expect(authorization("id/scope", "a;b", "sig")).toBe(
    "CAP1-HMAC-SHA512 Credential=id/scope,SignedHeaders=a;b,Signature=sig",
  );
});

test("only the signer sets Authorization and X-Cap-Date; every other header of the client passes", () => {
  const signer = createCap1Signer(CONFIGURATION, [], hashFunction);
  expect([...signer.ownHeaders].toSorted()).toEqual(["authorization", "x-cap-date"]);
  expect(["authorization", "x-cap-date", "x_cap_date"].map((name) => signer.headerRule(name, "a"))).toEqual(
    Array(3).fill("drop"),
  );
  expect(signer.headerRule("x-amz-target", "a")).toBeUndefined();
});

test("every body streams, whatever hash the client declares", () => {
  const signer = createCap1Signer(CONFIGURATION, [], hashFunction);
  for (const body of ["none", "known-length", "unknown-length"] as const) {
    const head = { body, secure: false, payloadSha256: "no hash" };
    expect(signer.planPayload(head)).toEqual({ kind: "precomputed", value: "" });
  }
});

test("the path is sent unchanged", () => {
  expect(createCap1Signer(CONFIGURATION, [], hashFunction).wirePath("/a@b//%2f")).toBe("/a@b//%2f");
});

test("a request without Host is not signed", () => {
  const signer = createCap1Signer(CONFIGURATION, [], hashFunction);
  expect(() => signer.sign({ ...GET, headers: [] }, "", NOW)).toThrow(TypeError);
});
