/**
 * Headers that intermediaries add or change, or that belong to one connection. Signed, they would make the signature invalid:
 * Google's and Cloudflare's front ends rewrite `Accept-Encoding`, a service mesh its tracing headers.
 */
const UNSIGNABLE_HEADERS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "authorization",
  "b3",
  "baggage",
  "cache-control",
  "cdn-loop",
  "connection",
  "expect",
  "forwarded",
  "from",
  "keep-alive",
  "max-forwards",
  "pragma",
  "priority",
  "referer",
  "te",
  "traceparent",
  "tracestate",
  "trailer",
  "transfer-encoding",
  "true-client-ip",
  "uber-trace-id",
  "upgrade",
  "user-agent",
  "via",
  "x-amzn-trace-id",
  "x-client-ip",
  "x-cloud-trace-context",
  "x-correlation-id",
  "x-real-ip",
  "x-request-id",
  "x-request-start",
]);

/** Families of such headers: of proxies and browsers, B3 and Datadog tracing, Cloudflare, Envoy. */
const UNSIGNABLE_PREFIX = /^(?:proxy-|sec-|cf-|x-b3-|x-datadog-|x-envoy-|x-forwarded-)/;

/** Whether a header of this lower-case name can be signed. */
export function isSignable(lowerCaseName: string): boolean {
  return !UNSIGNABLE_HEADERS.has(lowerCaseName) && !UNSIGNABLE_PREFIX.test(lowerCaseName);
}
