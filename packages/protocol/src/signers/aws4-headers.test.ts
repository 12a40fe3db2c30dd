import { expect, test } from "vitest";

import { isSignable } from "./aws4-headers.ts";

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
  "accept-encoding",
  "traceparent",
  "tracestate",
  "baggage",
  "x-request-id",
  "x-correlation-id",
  "x-b3-traceid",
  "x-b3-",
  "b3",
  "cf-ray",
  "cf-connecting-ip",
  "priority",
  "forwarded",
  "x-forwarded-host",
  "x-real-ip",
  "x-cloud-trace-context",
  "x-datadog-trace-id",
  "uber-trace-id",
  "x-envoy-attempt-count",
  "cdn-loop",
])("%s is never signed, since intermediaries change it", (name) => {
  expect(isSignable(name)).toBe(false);
});

test.each([
  "host",
  "range",
  "x-amz-target",
  "content-type",
  "date",
  "second",
  "x-proxy-a",
  "__proto__",
  "accept",
  "x-b3",
  "b3x",
  "cfx",
])("%s can be signed", (name) => {
  expect(isSignable(name)).toBe(true);
});
