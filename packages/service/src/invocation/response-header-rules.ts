import { HOP_BY_HOP_RESPONSE } from "capability-protocol";

/*
 * All targets share one authority, so a target's headers may apply to its own response only. Headers are dropped that make a
 * browser store or load something for the origin, that control caches and proxies on the way, and that send reports elsewhere.
 * Headers that restrict one document (`Content-Security-Policy`, `Permissions-Policy`, `Referrer-Policy`,
 * `Cross-Origin-*-Policy`, `X-Frame-Options`, …) pass.
 */

/**
 * Families:
 *
 * - `access-control-`: CORS is the service's (`http/cors.ts`).
 * - `ad-auction-`, `attribution-reporting-`, `observe-browsing-topics`, `shared-storage-`: kept for the origin by browsers.
 * - `cache-group`: RFC 9875, drops other responses of the origin from a cache.
 * - `edge-`, `surrogate-`, `x-accel-`, `x-litespeed-`: instructions to the proxy or CDN in front of the service.
 * - `origin-`: trials, isolation and policy of the whole origin.
 * - `proxy-`: between the service and the client, never the target's.
 * - `public-key-pins`, `reporting-`: pins, and where reports go.
 * - `sec-`, `secure-session-`: protocols between browser and authority, sessions among them.
 * - `service-worker-`, `set-`: workers, cookies and log-in state of the origin.
 */
const NEVER_FROM_TARGET_PREFIXES: readonly string[] = [
  "access-control-",
  "ad-auction-",
  "attribution-reporting-",
  "cache-group",
  "edge-",
  "observe-browsing-topics",
  "origin-",
  "proxy-",
  "public-key-pins",
  "reporting-",
  "sec-",
  "secure-session-",
  "service-worker-",
  "set-",
  "shared-storage-",
  "surrogate-",
  "x-accel-",
  "x-litespeed-",
];

const NEVER_FROM_TARGET_PATTERN = new RegExp(`^(?:${NEVER_FROM_TARGET_PREFIXES.join("|")})`);

/**
 * Endings: `Cache-Control` for particular caches (RFC 9213, `CDN-Cache-Control` and others), which would override
 * `private`; and policies that enforce nothing and have the browser report to any host.
 */
const NEVER_FROM_TARGET_SUFFIXES = ["-cache-control", "-report-only"] as const;

const NEVER_FROM_TARGET: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP_RESPONSE,
  "accept-ch",
  "accept-ch-lifetime",
  "activate-storage-access",
  "allow-csp-from",
  "alt-svc",
  "cache-tag",
  "clear-site-data",
  "critical-ch",
  "expect-ct",
  "login-status",
  "nel",
  "no-vary-search",
  "p3p",
  "report-to",
  "speculation-rules",
  "strict-transport-security",
  "supports-loading-mode",
  "timing-allow-origin",
  "use-as-dictionary",
  "x-permitted-cross-domain-policies",
  "xkey",
  // Instructions to the proxy in front of the service, such as to send a file: it would follow them as the service's.
  "x-lighttpd-send-file",
  "x-reproxy-url",
  "x-sendfile",
  // Set by the service.
  "x-content-type-options",
]);

/** Whether an end-to-end header of the target may reach the client. */
export function passesToClient(lowerCaseName: string): boolean {
  return (
    !NEVER_FROM_TARGET.has(lowerCaseName) &&
    !NEVER_FROM_TARGET_PATTERN.test(lowerCaseName) &&
    !NEVER_FROM_TARGET_SUFFIXES.some((ending) => lowerCaseName.endsWith(ending))
  );
}
