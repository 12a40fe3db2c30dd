import { HOP_BY_HOP_REQUEST, HOP_BY_HOP_RESPONSE } from "capability-protocol";
import { listOf, valuesOf } from "./raw-headers.ts";

/**
 * Header names with a rule of their own on the way through, all in lower case. Sources: RFC 9110 §7.6.1
 * (hop-by-hop); RFC 7239 and its older kin (Forwarded, X-Forwarded-*); method and URL overrides of common frameworks,
 * with which a requester could bend the one request that a capability stands for.
 */
const NEVER_FROM_REQUESTER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP_REQUEST,
  "authorization",
  "host",
  "cookie",
  "expect",
  "forwarded",
  "x-real-ip",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
  "x-payload-sha256",
  // Framing is set for the body as it is sent, loop marks are added last.
  "content-length",
  "via",
  "cdn-loop",
]);

/** Would speak for the authority, which all targets share, and not for the target. */
const NEVER_FROM_TARGET: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP_RESPONSE,
  "set-cookie",
  "strict-transport-security",
  "alt-svc",
  "clear-site-data",
  "report-to",
  "reporting-endpoints",
  "nel",
  "accept-ch",
  "origin-trial",
  "service-worker-allowed",
  "surrogate-control",
  "edge-control",
  "proxy-status",
  "set-cookie2",
  // Orders to the proxy in front of us, which would take them for ours: to send one of its own files, another URL.
  "x-sendfile",
  "x-lighttpd-send-file",
  "x-reproxy-url",
  // Replaced by our own.
  "x-content-type-options",
]);

/** Of CORS, which is ours to answer, and of the orders of nginx (`X-Accel-Redirect`, `X-Accel-Expires`, …) and LiteSpeed. */
function isPrefixed(lowerCaseName: string): boolean {
  return (
    lowerCaseName.startsWith("access-control-") ||
    lowerCaseName.startsWith("x-accel-") ||
    lowerCaseName.startsWith("x-litespeed-")
  );
}

/** Of what is said to single caches (RFC 9213: `CDN-Cache-Control` and its kin), before which they take no `private`. */
const TARGETED_SUFFIX = "-cache-control";

/**
 * The name by which rules for the requester's headers go: lower case, underscores as hyphens. A target behind CGI or WSGI
 * cannot tell the two apart (RFC 3875 §4.1.18), so `X_Api_Key` would stand beside or in place of our `X-Api-Key`.
 */
export function foldName(name: string): string {
  const lowerCase = name.toLowerCase();
  return lowerCase.includes("_") ? lowerCase.replaceAll("_", "-") : lowerCase;
}

/** Whether an end-to-end header of the requester may reach the target; the name as {@link foldName} writes it. */
export function passesToTarget(foldedName: string): boolean {
  return !NEVER_FROM_REQUESTER.has(foldedName) && !foldedName.startsWith("x-forwarded-");
}

/** Whether an end-to-end header of the target may reach the requester. */
export function passesToRequester(lowerCaseName: string): boolean {
  return (
    !NEVER_FROM_TARGET.has(lowerCaseName) &&
    !lowerCaseName.endsWith(TARGETED_SUFFIX) &&
    !isPrefixed(lowerCaseName)
  );
}

/**
 * The names that `Connection` fields list, in lower case: hop-by-hop for this message only (RFC 9110 §7.6.1). Taken from
 * the other side's headers before anything of ours is added, so that nobody can have ours removed.
 */
export function connectionOptions(rawHeaders: readonly string[]): ReadonlySet<string> {
  const values = valuesOf(rawHeaders, "connection");
  if (values.length === 0) return NONE;
  // What nearly everybody says.
  if (values.length === 1 && values[0] === "keep-alive") return KEEP_ALIVE;
  return new Set(listOf(rawHeaders, "connection").map((option) => option.toLowerCase()));
}

const NONE: ReadonlySet<string> = new Set();
const KEEP_ALIVE: ReadonlySet<string> = new Set(["keep-alive"]);
