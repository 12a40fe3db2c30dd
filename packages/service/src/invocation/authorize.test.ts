import { FORWARDABLE_METHODS } from "capability-protocol";
import { expect, test } from "vitest";
import { preparedTarget, requestHeadOf } from "../../../testkit/src/fixtures.ts";
import { authorize } from "./authorize.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { RequestHead } from "./request-head.ts";

const URI = "https://example.com/a";
const AWS4 = { awsAccessKeyId: "A", region: "r", service: "s3", secretAccessKey: "s" };
const plain = preparedTarget({ uri: URI, allowQuery: true });
const aws4 = preparedTarget({ uri: URI, allowQuery: true, hmac: { "aws4-hmac-sha256": AWS4 } });
const closed = preparedTarget({ uri: URI, hmac: { "aws4-hmac-sha256": AWS4 } });
const execute = preparedTarget({
  uri: URI,
  allowQuery: true,
  hmac: { "aws4-hmac-sha256": { ...AWS4, service: "execute-api" } },
});
const bearer = preparedTarget({ uri: URI, allowQuery: true, headers: { Authorization: "Bearer a" } });
const keyed = preparedTarget({ uri: `${URI}?%4bey=secret`, allowQuery: true });
const repeating = preparedTarget({ uri: `${URI}?page=1`, allowQuery: true });
const cap1 = preparedTarget({
  uri: URI,
  allowQuery: true,
  hmac: { "cap1-hmac-sha512": { key: "abcd", keyId: "k" } },
});

/** The refusal, if any. */
function allows(target: PreparedTarget, head: RequestHead) {
  const uri = authorize(target, head);
  return uri.ok ? undefined : uri.error;
}

test.each(["/x", "//", "", "/.", "/%2f"])("the path %j is not allowed", (path) => {
  expect(allows(plain, requestHeadOf({ path }))).toEqual({ reason: "path_not_found" });
});

test.each(["TRACE", "CONNECT", "trace", ""])(
  "the method %j is not allowed, whatever the target's",
  (method) => {
    for (const target of [plain, preparedTarget({ uri: URI, method: "GET" })]) {
      expect(allows(target, requestHeadOf({ method }))).toEqual({
        reason: "method_not_allowed",
        allow: [...FORWARDABLE_METHODS],
      });
    }
  },
);

/** Written out: a method that the code's own table lacks would not be missed otherwise. */
const METHODS =
  "ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND " +
  "PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE";

test.each(METHODS.split(" "))("the method %s is allowed", (method) => {
  expect(allows(plain, requestHeadOf({ method }))).toBeUndefined();
});

test.each([
  ["a target without signature", plain, "X-Amz-Date=1&a=b=c&d"],
  ["an aws4 target", execute, "a=b=c&d&keys=1"],
  ["an aws4 target of S3", aws4, "list-type=2&prefix=a=b"],
  ["a target with a credential", bearer, "a=1&keys=1&page_token=3"],
  ["a target without a credential", plain, "api_key=1&access_token=2"],
  ["an aws4 target without allowQuery, which drops it", closed, "X-Amz-Date=1"],
  ["a cap1 target", cap1, "a=b&c="],
])("%s takes the query: %s %s", (_name, target, query) => {
  expect(allows(target, requestHeadOf({ query }))).toBeUndefined();
});

test.each([
  ["an aws4 target", aws4, "x-amz-date=1"],
  ["an aws4 target", aws4, "a&%58-Amz-Date"],
  ["a cap1 target", cap1, "a=b=c"],
  ["a cap1 target", cap1, "a"],
])("%s refuses the query: %s %s", (_name, target, query) => {
  expect(allows(target, requestHeadOf({ query }))).toMatchObject({
    reason: "invalid_field",
    problem: { field: "query" },
  });
});

test.each([
  ["an aws4 target of S3", aws4, "acl", "acl"],
  ["an aws4 target of S3", aws4, "prefix=a&%74agging", "tagging"],
  ["an aws4 target", execute, "a=1&Access_Token=2", "access_token"],
  ["a target with a credential", bearer, "a&%61pi_key=1", "api_key"],
  ["a target with a credential", bearer, "apikey", "apikey"],
  ["a target with a credential", bearer, "a=1&key=2", "key"],
  ["a target with a credential", bearer, "Token", "token"],
  ["a target whose query has the same key", repeating, "x=1&%70age=2", "page"],
  ["a target whose query has a key", keyed, "a=1&key=2", "key"],
  ["a target whose query has a key", keyed, "%4BE%59=2", "key"],
])("%s is not asked with a key that would make another request of it: %s %s", (_name, target, query, key) => {
  expect(allows(target, requestHeadOf({ query }))).toEqual({ reason: "query_not_allowed", key });
});

test("a key of S3 is checked by the method that will be sent, not by the client's", () => {
  const fixed = preparedTarget({
    uri: URI,
    method: "PUT",
    allowQuery: true,
    hmac: { "aws4-hmac-sha256": AWS4 },
  });
  expect(allows(aws4, requestHeadOf({ query: "uploads" }))).toBeUndefined();
  expect(allows(fixed, requestHeadOf({ query: "uploads" }))).toMatchObject({
    reason: "query_not_allowed",
  });
});
