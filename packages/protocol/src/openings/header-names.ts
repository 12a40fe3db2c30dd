import { MAX_HEADER_NAME_LENGTH } from "../bounds.ts";
import { HOP_BY_HOP_REQUEST, TOKEN_HEADERS, foldHeaderName, isToken } from "../http-syntax.ts";
import type { Parser } from "../json/members.ts";
import { ok, refuse } from "../result.ts";

/**
 * Names of headers by which frameworks take another method or URL than that of the message, which is the one that is authorized,
 * limited and signed.
 */
const METHOD_AND_URL_OVERRIDES: readonly string[] = [
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-host",
  "x-original-method",
  "x-original-uri",
  "x-original-url",
  "x-rewrite-url",
];

/**
 * Headers that no target gets from a client, folded: hop-by-hop ones, and those that identify the client, frame or route the message,
 * replace its method or URL, or are for the service (Via and CDN-Loop, against loops, are set by it).
 *
 * @example
 * NEVER_FORWARDED.has("cookie"); // => true
 * NEVER_FORWARDED.has("accept"); // => false
 */
export const NEVER_FORWARDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP_REQUEST,
  ...METHOD_AND_URL_OVERRIDES,
  "authorization",
  "cdn-loop",
  "content-length",
  "cookie",
  "expect",
  "host",
  "membrane-operation",
  "via",
  "x-payload-sha256",
]);

/**
 * Headers that an exporter cannot open, folded: those that no target gets, that can carry the token, or that the service sets for a
 * signature.
 */
export const NEVER_OPENED: ReadonlySet<string> = new Set([
  ...NEVER_FORWARDED,
  ...TOKEN_HEADERS,
  "x-amz-content-sha256",
  "x-amz-date",
  "x-cap-date",
]);

/** Parses the name of a header that can reach a target from a client, and returns it in lower case. */
export const parseClientHeaderName: Parser<string> = (value, path) => {
  if (typeof value !== "string" || value.length > MAX_HEADER_NAME_LENGTH || !isToken(value)) {
    return refuse(path, `a header name (RFC 9110 token) of at most ${MAX_HEADER_NAME_LENGTH} characters`);
  }
  return NEVER_OPENED.has(foldHeaderName(value))
    ? refuse(path, "a header that a client may send to a target")
    : ok(value.toLowerCase());
};
