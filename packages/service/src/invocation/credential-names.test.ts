import { expect, test } from "vitest";
import { credentialKeys, isCredentialHeader, secondCredential } from "./credential-names.ts";

test.each([
  "authorization",
  "proxy-authorization",
  "x-goog-iam-authorization-token",
  "cookie",
  "apikey",
  "x-accesstoken",
  // By the word for what is opened.
  "x-access-token",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "x-auth-token",
  "x-bearer-token",
  "x-secret-key",
  "x-amz-security-token",
  "x-session-token",
  "ocp-apim-subscription-key",
  "x-shopify-access-token",
  // Those of one vendor each.
  "circle-token",
  "dd-application-key",
  "fastly-key",
  "job-token",
  "private-token",
  "x-consul-token",
  "x-figma-token",
  "x-functions-key",
  "x-github-token",
  "x-gitlab-token",
  "x-jfrog-art-api",
  "x-ms-authorization-auxiliary",
  "x-nomad-token",
  "x-plex-token",
  "x-rapidapi-key",
  "x-vault-token",
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
  "x-access-key-continuation-token",
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
  ["api.key&access%2Etoken=", ["api_key", "access_token"]],
  ["api+key=1&%20%20token=2", ["api_key", "token"]],
  ["api_key[]=1&key%5B0%5D=2&token%00x=3", ["api_key", "key", "token"]],
  ["a+key=1&.key=2&keys[]=3&a[key]=4", []],
  ["[key]=1&api_key]=2&%5Btoken%5D[]=3", ["key", "api_key", "token"]],
  ["api[key=1&access%5btoken=2", ["api_key", "access_token"]],
  ["a=1;key=2;%3btoken=3", ["key"]],
  ["api_key%00%ff=1&apikey[%ff]=2&%ffkey=3", ["api_key", "apikey"]],
  ["access%u005Ftoken=1&%u00e9key=2", ["access_token"]],
  ["private_token=1&subscription-key=2&X-Api-Key=3", ["private_token", "subscription-key", "x-api-key"]],
])("the query %j has its credential under %j", (query, keys) => {
  expect([...credentialKeys(query)]).toEqual(keys);
});

test("a query key is a second credential if it has no other use, or is the key of the target's own", () => {
  expect(secondCredential("a=1&token=2&key=3", new Set())).toBeUndefined();
  expect(secondCredential("a=1&token=2&key=3", new Set(["key"]))).toBe("key");
  expect(secondCredential("a=1&API%5fkey=2", new Set(["key"]))).toBe("api_key");
  for (const key of [
    "access_token",
    "api_key",
    "apikey",
    "api-key",
    "auth_token",
    "job_token",
    "subscription-key",
  ])
    expect(secondCredential(`a=1&${key}=2`, new Set())).toBe(key);
});
