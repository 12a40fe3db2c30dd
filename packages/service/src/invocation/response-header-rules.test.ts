import { expect, test } from "vitest";
import { passesToClient } from "./response-header-rules.ts";

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
  ["public-key-pins", "public-key-pins-report-only", "expect-ct", "critical-ch", "accept-ch-lifetime"],
  [
    "login-status",
    "set-login",
    "set-anything",
    "use-as-dictionary",
    "sec-session-registration",
    "sec-anything",
  ],
  ["secure-session-registration", "attribution-reporting-register-source", "attribution-reporting-eligible"],
  ["observe-browsing-topics", "activate-storage-access", "speculation-rules", "supports-loading-mode"],
  ["timing-allow-origin", "shared-storage-write", "ad-auction-signals", "origin-agent-cluster"],
  ["service-worker-anything", "cache-groups", "cache-group-invalidation", "no-vary-search", "allow-csp-from"],
  [
    "content-security-policy-report-only",
    "cross-origin-opener-policy-report-only",
    "cache-tag",
    "surrogate-key",
  ],
  ["edge-cache-tag", "proxy-anything", "xkey", "p3p", "x-permitted-cross-domain-policies"],
  ["access-control-allow-origin", "access-control-allow-credentials", "access-control-"],
])("a target's %s, … never reach the client", (...names) => {
  expect(names.filter(passesToClient)).toEqual([]);
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
  "accept-charset",
  "authentication-info",
  "content-location",
  "content-security-policy",
  "cross-origin-opener-policy",
  "link",
  "permissions-policy",
  "referrer-policy",
  "report-id",
  "section",
  "settings",
  "x-frame-options",
  "x-anything",
])("a target's %s may reach the client", (name) => {
  expect(passesToClient(name)).toBe(true);
});
