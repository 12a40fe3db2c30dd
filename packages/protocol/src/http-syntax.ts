/**
 * The methods that Node's HTTP parser knows and that can be forwarded. CONNECT asks for a tunnel, and TRACE would echo
 * the credentials of the target back to the client.
 *
 * @example
 * FORWARDABLE_METHODS.has("PATCH"); // => true
 * FORWARDABLE_METHODS.has("CONNECT"); // => false
 */
export const FORWARDABLE_METHODS: ReadonlySet<string> = new Set([
  "ACL",
  "BIND",
  "CHECKOUT",
  "COPY",
  "DELETE",
  "GET",
  "HEAD",
  "LINK",
  "LOCK",
  "M-SEARCH",
  "MERGE",
  "MKACTIVITY",
  "MKCALENDAR",
  "MKCOL",
  "MOVE",
  "NOTIFY",
  "OPTIONS",
  "PATCH",
  "POST",
  "PROPFIND",
  "PROPPATCH",
  "PURGE",
  "PUT",
  "QUERY",
  "REBIND",
  "REPORT",
  "SEARCH",
  "SOURCE",
  "SUBSCRIBE",
  "UNBIND",
  "UNLINK",
  "UNLOCK",
  "UNSUBSCRIBE",
]);

/**
 * Returns the method in upper case, if it is one that can be forwarded; the input may be in any case.
 *
 * @example
 * parseMethod("get"); // => "GET"
 * parseMethod("TRACE"); // => undefined
 */
export function parseMethod(text: string): string | undefined {
  // toUpperCase alone would turn non-ASCII letters into letters of a method.
  if (!isToken(text)) return undefined;
  const method = text.toUpperCase();
  return FORWARDABLE_METHODS.has(method) ? method : undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_FIELD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Whether the text is a token (RFC 9110 §5.6.2), as header names and methods are.
 *
 * @example
 * isToken("X-Api-Key"); // => true
 * isToken("X Api Key"); // => false
 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Whether the text is a header value (RFC 9110 §5.5), one character a byte. CR, LF and NUL would end the field and start another
 * header, so no control character except the tab is allowed.
 *
 * @example
 * isFieldValue("text/html; q=0.5"); // => true
 * isFieldValue("a\r\nX-Injected: b"); // => false
 */
export function isFieldValue(text: string): boolean {
  return !NOT_IN_FIELD_VALUE.test(text);
}

/**
 * The name by which rules for headers are looked up: lower case, and a hyphen for all but letters and digits. A target behind CGI
 * or WSGI cannot distinguish hyphens and underscores (RFC 3875 §4.1.18), and to one in PHP, or behind lighttpd, `X.Api.Key` is
 * `X-Api-Key` too: it would be added to the target's or replace it.
 *
 * @example
 * foldHeaderName("X_Api.Key"); // => "x-api-key"
 */
export function foldHeaderName(name: string): string {
  const lowerCase = name.toLowerCase();
  return PUNCTUATION.test(lowerCase) ? lowerCase.replace(/[^a-z\d]/g, "-") : lowerCase;
}

/** What most names have none of. */
const PUNCTUATION = /[^a-z\d-]/;

/**
 * Removes the white space around a field value (RFC 9110 §5.5: only space and tab).
 *
 * @example
 * trimFieldValue(" a b\t"); // => "a b"
 */
export function trimFieldValue(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Lower-case names of headers that concern one connection and are not forwarded: RFC 9110 §7.6.1, the proxy authentication
 * of §11.7, and HTTP2-Settings (RFC 7540 §3.2.1). The headers that `Connection` names in a message are hop-by-hop as well.
 *
 * @example
 * HOP_BY_HOP_REQUEST.has("te"); // => true
 */
export const HOP_BY_HOP_REQUEST: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The hop-by-hop headers of responses.
 *
 * @example
 * HOP_BY_HOP_RESPONSE.has("transfer-encoding"); // => true
 */
export const HOP_BY_HOP_RESPONSE: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Lower-case names of the headers in which the token of an HTTP request may come. In that of a WebSocket it may also come in
 * `Sec-WebSocket-Protocol`.
 *
 * @example
 * TOKEN_HEADERS.includes("x-api-key"); // => true
 */
export const TOKEN_HEADERS = [
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "x-amz-security-token",
] as const;
