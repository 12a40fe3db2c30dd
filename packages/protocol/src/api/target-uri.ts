import { type Parsed, accept, refuse } from "../result.ts";

const EXPECTED = "an absolute http or https URI";
const CONTROL_OR_SPACE = /[\p{Cc}\s]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SCHEME_AND_AUTHORITY = /^https?:\/\/([^/?#]+)/i;

/**
 * The canonical form of a target's URI, parsed once by WHATWG rules: what is stored, checked, signed, dialled, and put
 * into Host.
 *
 * What the WHATWG parser would quietly repair (control characters removed, backslashes turned, an empty user name
 * dropped) is refused instead: to another reader, a person included, such a URI names another host.
 */
export function parseTargetUri(value: unknown): Parsed<string> {
  if (typeof value !== "string") return refuse("uri", EXPECTED);
  if (CONTROL_OR_SPACE.test(value) || LONE_SURROGATE.test(value)) {
    return refuse("uri", `${EXPECTED} without control characters, white space and half surrogate pairs`);
  }
  if (value.includes("\\")) return refuse("uri", `${EXPECTED} without backslash`);
  if (value.includes("#")) return refuse("uri", `${EXPECTED} without fragment`);
  const [, authority] = SCHEME_AND_AUTHORITY.exec(value) ?? [];
  if (authority === undefined || !URL.canParse(value)) return refuse("uri", EXPECTED);
  if (authority.includes("@")) return refuse("uri", `${EXPECTED} without user info`);
  const url = new URL(value);
  if (url.port === "0") return refuse("uri", `${EXPECTED} with a port over 0`);
  return accept(url.href);
}
