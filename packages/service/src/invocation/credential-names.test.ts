import { expect, test } from "vitest";
import { credentialKeys, forbiddenKey, isCredentialHeader, ownKeys } from "./credential-names.ts";

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

test("next to a credential of the target, no key of a client that could hold one is allowed", () => {
  const findKey = (query: string, carriesCredential = true) =>
    forbiddenKey(query, new Set(), { carriesCredential });
  expect(findKey("a=1&page_token=2&keys=3")).toBeUndefined();
  for (const key of [
    "access_token",
    "api_key",
    "apikey",
    "api-key",
    "auth_token",
    "job_token",
    "key",
    "subscription-key",
    "token",
  ]) {
    expect(findKey(`a=1&${key.toUpperCase()}=2`)).toBe(key);
    expect(findKey(`a=1&${key}=2`, false)).toBeUndefined();
  }
});

test("a key that the target has itself is not allowed, in any reading of a server", () => {
  const own = ownKeys("api.version=1&%66ilter[a]=2&X");
  for (const query of [
    "api_version=9",
    "b&API%2eversion",
    "filter=1",
    "filter[b]=1",
    "%5Bfilter%5D=1",
    "x",
    "b;x=1",
  ])
    expect(forbiddenKey(query, own, { carriesCredential: false }), query).toBeDefined();
  for (const query of ["", "apiversion", "filters=1", "b=x", "key=1"])
    expect(forbiddenKey(query, own, { carriesCredential: false }), query).toBeUndefined();
});
