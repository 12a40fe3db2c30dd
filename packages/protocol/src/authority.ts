import { urlOf } from "./url.ts";

declare const brand: unique symbol;

/**
 * The name of one service, `host[:port]`: a DNS name, an IPv4 address, or an IPv6 address in brackets.
 *
 * @example
 * const authority: Authority | undefined = parseAuthority("localhost:8443");
 * authority; // => "localhost:8443"
 */
export type Authority = string & { readonly [brand]: "Authority" };

/** The longest name has 253 characters (RFC 1035 §2.3.4, without the length octets and the root), the longest IPv6 address 45. */
const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::([1-9][0-9]{0,4}))?$/;
const MAX_LABEL_LENGTH = 63;

/**
 * Parses an authority, if every client finds the same host in it.
 *
 * These are refused, although URL parsers accept them: user info, escapes, a trailing dot, a port of 0 or with leading zeros,
 * and IPv4 addresses in short, octal or hexadecimal spelling (`127.1` and `0x7f.1` are loopback to a URL parser).
 *
 * @example
 * parseAuthority("api.example:8443"); // => "api.example:8443"
 * parseAuthority("127.1"); // => undefined
 */
export function parseAuthority(text: string): Authority | undefined {
  return isAuthority(text) ? text : undefined;
}

/**
 * Returns the form that is equal for two authorities that name one service: lower case, shortest IPv6 spelling, without `:443`.
 *
 * @example
 * const authority = parseAuthority("API.example:443");
 * authority && normalizeAuthority(authority); // => "api.example"
 */
export function normalizeAuthority(authority: Authority): Authority {
  const { host } = new URL(`https://${authority}/`);
  if (!isAuthority(host)) throw new TypeError("not an authority made by parseAuthority");
  return host;
}

function isAuthority(text: string): text is Authority {
  const [, host, port] = HOST_AND_PORT.exec(text) ?? [];
  if (host === undefined || Number(port ?? 443) > 65_535) return false;
  if (!host.startsWith("[") && !isDnsName(host)) return false;
  const hostname = parseHostname(host);
  return host.startsWith("[") ? hostname !== undefined : hostname === host.toLowerCase();
}

function isDnsName(name: string): boolean {
  return name.split(".").every((label) => label !== "" && label.length <= MAX_LABEL_LENGTH);
}

function parseHostname(host: string): string | undefined {
  return urlOf(`https://${host}/`)?.hostname;
}
