import { expect, test } from "vitest";
import { connectionOptions, foldName, passesToRequester, passesToTarget } from "./header-rules.ts";

test.each([
  ["authorization", "host", "content-length", "expect", "cookie", "via", "cdn-loop"],
  ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ["proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "http2-settings"],
  ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-", "x-real-ip"],
  ["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"],
  ["x-payload-sha256"],
])("the requester's %s, … never reach a target", (...names) => {
  expect(names.filter(passesToTarget)).toEqual([]);
});

test.each([
  "accept",
  "content-type",
  "range",
  "if-none-match",
  "user-agent",
  "x-forwarded",
  "x-anything",
  "origin",
])("the requester's %s may reach a target", (name) => {
  expect(passesToTarget(name)).toBe(true);
});

test.each([
  ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  [
    "set-cookie",
    "strict-transport-security",
    "alt-svc",
    "clear-site-data",
    "report-to",
    "reporting-endpoints",
  ],
  ["nel", "accept-ch", "origin-trial", "service-worker-allowed", "cdn-cache-control", "surrogate-control"],
  ["set-cookie2", "x-accel-redirect", "x-accel-buffering", "x-sendfile", "x-lighttpd-send-file"],
  ["x-reproxy-url", "x-litespeed-location", "x-litespeed-cache-control", "x-litespeed-purge"],
  ["cloudflare-cdn-cache-control", "netlify-cdn-cache-control", "edge-control", "-cache-control"],
  ["proxy-authenticate", "proxy-authentication-info", "proxy-status", "x-content-type-options"],
  ["access-control-allow-origin", "access-control-allow-credentials", "access-control-"],
])("a target's %s, … never reach the requester", (...names) => {
  expect(names.filter(passesToRequester)).toEqual([]);
});

test.each([
  "content-type",
  "content-length",
  "location",
  "etag",
  "www-authenticate",
  "vary",
  "cache-control",
  "server",
  "x-anything",
])("a target's %s may reach the requester", (name) => {
  expect(passesToRequester(name)).toBe(true);
});

test.each([
  ["X-Api-Key", "x-api-key"],
  ["X_Api_Key", "x-api-key"],
  ["x-api_KEY", "x-api-key"],
  ["__proto__", "--proto--"],
])("%s counts as %s", (name, folded) => {
  expect(foldName(name)).toBe(folded);
});

test("all names of all Connection lines are found, in any case, and nothing else", () => {
  const found = connectionOptions([
    "Connection",
    "close , X-A,,x-b",
    "X-C",
    "x-d",
    "CONNECTION",
    "X-E",
    "Connectiox",
    "y",
  ]);
  expect([...found].filter((name) => name !== "")).toEqual(["close", "x-a", "x-b", "x-e"]);
  expect(connectionOptions(["X-C", "connection"]).size).toBe(0);
});
