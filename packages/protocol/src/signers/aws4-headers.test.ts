import { expect, test } from "vitest";

import { isSignable, passesFromRequester } from "./aws4-headers.ts";

test.each([
  "authorization",
  "cache-control",
  "connection",
  "expect",
  "from",
  "keep-alive",
  "max-forwards",
  "pragma",
  "referer",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-amzn-trace-id",
  "proxy-anything",
  "sec-fetch-mode",
  "via",
  "x-forwarded-for",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-ssl",
  "x-request-start",
])("%s is never signed, since intermediaries change it", (name) => {
  expect(isSignable(name)).toBe(false);
});

test.each(["host", "range", "x-amz-target", "content-type", "date", "second", "x-proxy-a", "__proto__"])(
  "%s can be signed",
  (name) => {
    expect(isSignable(name)).toBe(true);
  },
);

test.each([
  "x-amz-meta-a",
  "x-amz-checksum-sha256",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-trailer",
  "x-amz-decoded-content-length",
  "content-type",
  "range",
  "x-amzn-trace-id",
])("the requester's %s passes", (name) => {
  expect(passesFromRequester(name)).toBe(true);
});

test.each([
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-target",
  "x-amz-acl",
  "x-amz-grant-full-control",
  "x-amz-security-token",
  "x-amz-date",
  "x-amz-content-sha256",
  "x-amz-tagging",
  "x-amz-bypass-governance-retention",
  "x-amz-invocation-type",
  "x-amz-meta",
  "x-amz-trailer-a",
  "x-amz-",
  "x_amz_copy_source",
  "x-amz_target",
  "x_amz-meta-a",
])("the requester's %s does not pass", (name) => {
  expect(passesFromRequester(name)).toBe(false);
});
