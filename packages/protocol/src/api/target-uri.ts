import type { Authority } from "../authority.ts";
import { MAX_HOST_LENGTH, MAX_URI_LENGTH, MAX_UNPARSED_HOST_LENGTH } from "../bounds.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import { urlOf } from "../url.ts";
import { findNormalization } from "./uri-normalization.ts";

const EXPECTED = "an absolute http or https URI";
const HOST_TOO_LONG = `${EXPECTED} with a host of at most ${MAX_HOST_LENGTH} characters`;
const CONTROL_OR_SPACE = /[\p{Cc}\s]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SCHEME_AND_AUTHORITY = /^https?:\/\/([^/?#]+)/i;

/** Only this module can make a {@link TargetOrigin}. */
const brand: unique symbol = Symbol("TargetOrigin");

/**
 * Scheme, host and port of a target in their canonical form: where connections go, and what is sent in `Host`.
 *
 * @example
 * const uri = parseTargetUri("https://API.example./report");
 * const origin: TargetOrigin | undefined = uri.ok ? uri.value.origin : undefined;
 * origin && [origin.scheme, origin.hostname, origin.port]; // => ["https", "api.example", 443]
 * origin?.host; // => "api.example."
 */
export interface TargetOrigin {
  readonly [brand]: true;
  readonly scheme: "http" | "https";
  /** The host to compare, resolve and verify: lower case, an IPv6 address without brackets, a name without trailing dots. */
  readonly hostname: string;
  /** The default port of the scheme, if the URI has none. */
  readonly port: number;
  /** The value of `Host`: with the port unless it is the default, an IPv6 address in brackets, trailing dots as written. */
  readonly host: string;
  /** Scheme, `://` and {@link host} (RFC 6454 §6.2). */
  readonly serialized: string;
}

/**
 * The URI of a target, as {@link parseTargetUri} accepts it.
 *
 * @example
 * const uri = parseTargetUri("https://api.example/report?page=1");
 * const target: TargetUri | undefined = uri.ok ? uri.value : undefined;
 * target && [target.path, target.query]; // => ["/report", "page=1"]
 */
export interface TargetUri {
  readonly origin: TargetOrigin;
  /** As written; `/` if it was absent. */
  readonly path: string;
  /** As written, without `?`; empty if there is none. */
  readonly query: string;
}

/**
 * Parses a target's URI once, by WHATWG rules. Scheme, host, port and an absent path take their canonical form; path and query
 * stay as written.
 *
 * A URI that the WHATWG parser would repair in any other way is refused (control characters, backslashes, an empty user name,
 * dot segments, characters to encode): to another parser or to a person, it names another host or another resource.
 *
 * @example
 * const uri = parseTargetUri("HTTPS://API.example:443");
 * uri.ok && formatTargetUri(uri.value); // => "https://api.example/"
 * parseTargetUri("https://user@api.example/").ok; // => false
 */
export function parseTargetUri(value: unknown): Parsed<TargetUri> {
  if (typeof value !== "string") return refuse("uri", EXPECTED);
  if (value.length > MAX_URI_LENGTH)
    return refuse("uri", `${EXPECTED} of at most ${MAX_URI_LENGTH} characters`);
  if (CONTROL_OR_SPACE.test(value) || LONE_SURROGATE.test(value)) {
    return refuse("uri", `${EXPECTED} without control characters, white space and lone surrogates`);
  }
  if (value.includes("\\")) return refuse("uri", `${EXPECTED} without backslash`);
  if (value.includes("#")) return refuse("uri", `${EXPECTED} without fragment`);
  const [origin = "", authority] = SCHEME_AND_AUTHORITY.exec(value) ?? [];
  if (authority === undefined) return refuse("uri", EXPECTED);
  if (authority.includes("@")) return refuse("uri", `${EXPECTED} without user info`);
  // Checked before parsing: the time to encode non-ASCII letters (RFC 3492) grows with the square of their number.
  if (authority.length > MAX_UNPARSED_HOST_LENGTH) return refuse("uri", HOST_TOO_LONG);
  const url = urlOf(value);
  if (url === undefined) return refuse("uri", EXPECTED);
  if (url.hostname.length > MAX_HOST_LENGTH) return refuse("uri", HOST_TOO_LONG);
  if (url.port === "0") return refuse("uri", `${EXPECTED} with a port over 0`);
  const normalization = findNormalization(value.slice(origin.length));
  if (normalization !== undefined)
    return refuse("uri", `${EXPECTED} that is sent exactly as written; ${normalization}`);
  return ok(toTargetUri(url));
}

/**
 * Reads a URI that {@link formatTargetUri} formatted, without the rules of {@link parseTargetUri}, so that a stored target does not
 * change when a rule becomes stricter.
 *
 * @returns nothing if the text is not an http or https URI.
 *
 * @example
 * readTargetUri("https://api.example/a/../b")?.path; // => "/b"
 * readTargetUri("api.example"); // => undefined
 */
export function readTargetUri(text: string): TargetUri | undefined {
  const url = SCHEME_AND_AUTHORITY.test(text) ? urlOf(text) : undefined;
  return url && toTargetUri(url);
}

/**
 * Formats a URI in its canonical form.
 *
 * @example
 * const uri = parseTargetUri("http://api.example:80/a?b");
 * uri.ok && formatTargetUri(uri.value); // => "http://api.example/a?b"
 */
export function formatTargetUri({ origin, path, query }: TargetUri): string {
  return `${origin.serialized}${path}${query === "" ? "" : `?${query}`}`;
}

/**
 * Returns the origin of an authority's service: https, at the port of the authority, or 443.
 *
 * @example
 * const authority = parseAuthority("API.example:8443");
 * authority && originOfAuthority(authority).port; // => 8443
 */
export function originOfAuthority(authority: Authority): TargetOrigin {
  const uri = parseTargetUri(`https://${authority}/`);
  if (!uri.ok) throw new TypeError("not an authority made by parseAuthority");
  return uri.value.origin;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

function toTargetUri({ protocol, hostname, host, port, origin, pathname, search }: URL): TargetUri {
  const scheme = protocol === "https:" ? "https" : "http";
  const parsed: TargetOrigin = {
    [brand]: true,
    scheme,
    hostname: toHostname(hostname),
    port: port === "" ? DEFAULT_PORTS[scheme] : Number(port),
    host,
    serialized: origin,
  };
  return { origin: parsed, path: pathname, query: search.slice(1) };
}

/** Removes the brackets of IPv6, and the dots at the end of a fully qualified name: both name the same host. */
function toHostname(hostname: string): string {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  let end = hostname.length;
  while (hostname.endsWith(".", end)) end -= 1;
  return hostname.slice(0, end);
}
