import { expect, test } from "vitest";
import { credentialKeys, isCredentialHeader, secondCredential } from "./credential-names.ts";

test.each([
  "authorization",
  "cookie",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "x-amz-security-token",
  "apikey",
  "ocp-apim-subscription-key",
  "private-token",
  "job-token",
  "x-auth-token",
  "x-access-token",
  "x-vault-token",
  "x-shopify-access-token",
  "x-goog-iam-authorization-token",
  "x-accesstoken",
])("%s holds a credential", (name) => {
  expect(isCredentialHeader(name)).toBe(true);
});

test.each([
  "idempotency-key",
  "sec-websocket-key",
  "x-csrf-token",
  "continuation-token",
  "key",
  "token",
  "monkey",
  "x-rapikey",
  "authorization-level",
  "x-api-key-id",
  "x-api-version",
  "__proto__",
])("%s holds none", (name) => {
  expect(isCredentialHeader(name)).toBe(false);
});

test.each([
  ["", []],
  ["a=key&b", []],
  ["Key=1&a=2&%61pi_key=3", ["key", "api_key"]],
  ["access_token&token=", ["access_token", "token"]],
  ["%zzkey=1&apikey=%zz", ["apikey"]],
])("the query %j has its credential under %j", (query, keys) => {
  expect([...credentialKeys(query)]).toEqual(keys);
});

test("a query key is a second credential if it has no other use, or is the key of the target's own", () => {
  expect(secondCredential("a=1&token=2&key=3", new Set())).toBeUndefined();
  expect(secondCredential("a=1&token=2&key=3", new Set(["key"]))).toBe("key");
  expect(secondCredential("a=1&API%5fkey=2", new Set(["key"]))).toBe("api_key");
});
