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
 * The method in upper case, if it is one that can be forwarded; the input may be in either case.
 *
 * @example
 * parseMethod("get"); // => "GET"
 * parseMethod("TRACE"); // => undefined
 */
export function parseMethod(text: string): string | undefined {
  // toUpperCase alone would fold letters beyond ASCII into it.
  if (!isToken(text)) return undefined;
  const method = text.toUpperCase();
  return FORWARDABLE_METHODS.has(method) ? method : undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * A header name or method by RFC 9110 §5.6.2.
 *
 * @example
 * isToken("X-Api-Key"); // => true
 * isToken("X Api Key"); // => false
 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * A header value by RFC 9110 §5.5, one character a byte: no CR, LF or NUL, which would end the field and let its value
 * write headers of its own, nor another control character but the tab.
 *
 * @example
 * isFieldValue("text/html; q=0.5"); // => true
 * isFieldValue("a\r\nX-Injected: b"); // => false
 */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/**
 * Removes the white space that is not part of a field value (RFC 9110 §5.5: space and tab, nothing else).
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
 * Lower-case names that speak of one connection and never travel beyond it: RFC 9110 §7.6.1, the proxy authentication
 * of §11.7, and HTTP2-Settings (RFC 7540 §3.2.1). Those that `Connection` names come on top, message by message.
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
 * The same for responses.
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
