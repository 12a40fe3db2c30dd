/** Headers that intermediaries change or that speak of one connection; signed, they would break the signature. */
const UNSIGNABLE: ReadonlySet<string> = new Set([
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
  "via",
  "x-amzn-trace-id",
  "x-forwarded-for",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-ssl",
  "x-request-start",
]);

/** Whether a header of this lower-case name can stand under a signature at all. */
export function isSignable(lowerCaseName: string): boolean {
  return !UNSIGNABLE.has(lowerCaseName) && !/^(?:proxy|sec)-/.test(lowerCaseName);
}

const PASSING = /^x-amz-(?:meta-.*|checksum-.*|sdk-checksum-algorithm|trailer|decoded-content-length)$/s;

/**
 * Whether an X-Amz header of the requester describes its body rather than the operation. All others stay out:
 * X-Amz-Copy-Source or X-Amz-Target under our signature would turn the target's one door into another.
 *
 * Underscores count as hyphens, because servers behind CGI or WSGI cannot tell them apart.
 */
export function passesFromRequester(lowerCaseName: string): boolean {
  return !lowerCaseName.replaceAll("_", "-").startsWith("x-amz-") || PASSING.test(lowerCaseName);
}
