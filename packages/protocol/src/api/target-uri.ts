import { type Parsed, ok, refuse } from "../result.ts";
import { MAX_HOST_LENGTH, MAX_URI_LENGTH, MAX_UNPARSED_HOST_LENGTH } from "./field-limits.ts";
import { findNormalization } from "./uri-normalization.ts";

const EXPECTED = "an absolute http or https URI";
const HOST_TOO_LONG = `${EXPECTED} with a host of at most ${MAX_HOST_LENGTH} characters`;
const CONTROL_OR_SPACE = /[\p{Cc}\s]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SCHEME_AND_AUTHORITY = /^https?:\/\/([^/?#]+)/i;

/**
 * The canonical form of a target's URI, parsed once by WHATWG rules: what is checked, signed, dialled, and put into Host.
 * Scheme, host, port and an absent path take their canonical form; path and query stay as they are written.
 *
 * What the WHATWG parser would quietly repair otherwise (control characters removed, backslashes turned, an empty user
 * name dropped, dot segments resolved, characters encoded) is refused: to another reader, a person included, such a URI
 * names another host or another resource.
 */
export function parseTargetUri(value: unknown): Parsed<string> {
  if (typeof value !== "string") return refuse("uri", EXPECTED);
  if (value.length > MAX_URI_LENGTH)
    return refuse("uri", `${EXPECTED} of at most ${MAX_URI_LENGTH} characters`);
  if (CONTROL_OR_SPACE.test(value) || LONE_SURROGATE.test(value)) {
    return refuse("uri", `${EXPECTED} without control characters, white space and half surrogate pairs`);
  }
  if (value.includes("\\")) return refuse("uri", `${EXPECTED} without backslash`);
  if (value.includes("#")) return refuse("uri", `${EXPECTED} without fragment`);
  const [origin = "", authority] = SCHEME_AND_AUTHORITY.exec(value) ?? [];
  if (authority === undefined) return refuse("uri", EXPECTED);
  if (authority.includes("@")) return refuse("uri", `${EXPECTED} without user info`);
  // Before it is parsed: the encoding of letters beyond ASCII (RFC 3492) takes the square of their number.
  if (authority.length > MAX_UNPARSED_HOST_LENGTH) return refuse("uri", HOST_TOO_LONG);
  if (!URL.canParse(value)) return refuse("uri", EXPECTED);
  const url = new URL(value);
  if (url.hostname.length > MAX_HOST_LENGTH) return refuse("uri", HOST_TOO_LONG);
  if (url.port === "0") return refuse("uri", `${EXPECTED} with a port over 0`);
  const normalization = findNormalization(value.slice(origin.length));
  if (normalization !== undefined)
    return refuse("uri", `${EXPECTED} that is sent as it is written; ${normalization}`);
  return ok(url.href);
}
