import { MAX_HEADER_NAME_LENGTH } from "../bounds.ts";
import {
  HOP_BY_HOP_REQUEST,
  METHOD_AND_URL_OVERRIDES,
  TOKEN_HEADERS,
  foldHeaderName,
  isToken,
} from "../http-syntax.ts";
import type { Parser } from "../json/members.ts";
import { ok, refuse } from "../result.ts";

/**
 * Headers that never reach a target from a client, whatever its exporter opens, folded: those that carry the token, frame or route
 * the message, replace its method or URL, or are set by the service (Via and CDN-Loop against loops, the others for a signature).
 */
export const NEVER_OPENED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP_REQUEST,
  ...TOKEN_HEADERS,
  ...METHOD_AND_URL_OVERRIDES,
  "cdn-loop",
  "content-length",
  "cookie",
  "expect",
  "host",
  "membrane-operation",
  "via",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-cap-date",
  "x-payload-sha256",
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
