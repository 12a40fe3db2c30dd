import { HOP_BY_HOP_RESPONSE } from "capability-protocol";

/*
 * A target speaks for its own response. What speaks for the authority, which all targets share, is not passed on: what has
 * the browser keep something for the origin or load something in its name, what steers caches and proxies on the way, and
 * what sends reports elsewhere. Fields that bind the one document they come with (`Content-Security-Policy`,
 * `Permissions-Policy`, `Referrer-Policy`, `Cross-Origin-*-Policy`, `X-Frame-Options`, …) pass: they can only narrow it.
 */

/**
 * Families:
 *
 * - `access-control-`: CORS is ours to answer.
 * - `ad-auction-`, `attribution-reporting-`, `observe-browsing-topics`, `shared-storage-`: kept for the origin by browsers.
 * - `cache-group`: RFC 9875, drops other responses of the origin from a cache.
 * - `edge-`, `surrogate-`, `x-accel-`, `x-litespeed-`: orders to the proxy or CDN in front of us.
 * - `origin-`: trials, isolation and policy of the whole origin.
 * - `proxy-`: between us and the client, never the target's.
 * - `public-key-pins`, `reporting-`: pins, and where reports go.
 * - `sec-`, `secure-session-`: protocols between browser and authority, sessions among them.
 * - `service-worker-`, `set-`: workers, cookies and log-in state of the origin.
 */
const FAMILY =
  /^(?:access-control-|ad-auction-|attribution-reporting-|cache-group|edge-|observe-browsing-topics|origin-|proxy-|public-key-pins|reporting-|sec-|secure-session-|service-worker-|set-|shared-storage-|surrogate-|x-accel-|x-litespeed-)/;

/**
 * By their ends: what is said to single caches (RFC 9213: `CDN-Cache-Control` and its kin), before which they take no
 * `private`; and what enforces nothing and has the browser report to any host.
 */
const ENDINGS = ["-cache-control", "-report-only"] as const;

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
  // Orders to the proxy in front of us, which would take them for ours: to send one of its own files, another URL.
  "x-lighttpd-send-file",
  "x-reproxy-url",
  "x-sendfile",
  // Replaced by our own.
  "x-content-type-options",
]);

/** Whether an end-to-end header of the target may reach the client. */
export function passesToClient(lowerCaseName: string): boolean {
  return (
    !NEVER_FROM_TARGET.has(lowerCaseName) &&
    !FAMILY.test(lowerCaseName) &&
    !ENDINGS.some((ending) => lowerCaseName.endsWith(ending))
  );
}
