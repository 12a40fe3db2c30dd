import { type Parsed, ok, refuse } from "../result.ts";
import { MAX_HOST_LENGTH, MAX_URI_LENGTH, MAX_UNPARSED_HOST_LENGTH } from "./field-limits.ts";
import { findNormalization } from "./uri-normalization.ts";

const EXPECTED = "an absolute http or https URI";
const HOST_TOO_LONG = `${EXPECTED} with a host of at most ${MAX_HOST_LENGTH} characters`;
const CONTROL_OR_SPACE = /[\p{Cc}\s]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SCHEME_AND_AUTHORITY = /^https?:\/\/([^/?#]+)/i;

/**
 * Parses a target's URI by WHATWG rules to the canonical form that is checked, signed, connected to, and put into Host. Scheme,
 * host, port and an absent path take their canonical form; path and query stay as written.
 *
 * A URI that the WHATWG parser would repair in any other way is refused (control characters, backslashes, an empty user name,
 * dot segments, characters to encode): to another parser or to a person, it names another host or another resource.
 */
export function parseTargetUri(value: unknown): Parsed<string> {
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
  if (!URL.canParse(value)) return refuse("uri", EXPECTED);
  const url = new URL(value);
  if (url.hostname.length > MAX_HOST_LENGTH) return refuse("uri", HOST_TOO_LONG);
  if (url.port === "0") return refuse("uri", `${EXPECTED} with a port over 0`);
  const normalization = findNormalization(value.slice(origin.length));
  if (normalization !== undefined)
    return refuse("uri", `${EXPECTED} that is sent exactly as written; ${normalization}`);
  return ok(url.href);
}
