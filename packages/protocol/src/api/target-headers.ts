import { MAX_HEADER_NAME_LENGTH, MAX_HEADER_VALUE_LENGTH, MAX_HEADERS } from "../bounds.ts";
import { HOP_BY_HOP_REQUEST, isFieldValue, isToken, trimFieldValue } from "../http-syntax.ts";
import { memberPath, parseEntries } from "../json/fields.ts";
import { type Parsed, ok, refuse } from "../result.ts";

/**
 * @example
 * const header: ConfiguredHeader = ["X-Api-Key", "secret"];
 * header[0]; // => "X-Api-Key"
 */
export type ConfiguredHeader = readonly [name: string, value: string];

/**
 * Names that a target cannot configure. Host, Content-Length and Expect frame or route the message. Via and CDN-Loop detect
 * forwarding loops, and would not if an exporter could set them.
 */
export const FORBIDDEN_HEADERS: ReadonlySet<string> = new Set([
  "cdn-loop",
  "content-length",
  "expect",
  "host",
  "via",
]);

/** Parses the headers of a target; absent means none. Hop-by-hop headers are checked like the others and then left out. */
export function parseTargetHeaders(value: unknown): Parsed<readonly ConfiguredHeader[]> {
  if (value === undefined) return ok([]);
  const entries = parseEntries(value, "headers");
  if (!entries.ok) return entries;
  if (entries.value.size > MAX_HEADERS) return refuse("headers", `at most ${MAX_HEADERS} headers`);
  const headers = new Map<string, ConfiguredHeader>();
  for (const [name, given] of entries.value) {
    const header = parseHeader(name, given);
    if (!header.ok) return header;
    const lowerCaseName = name.toLowerCase();
    if (headers.has(lowerCaseName)) {
      return refuse(memberPath("headers", name), "each name once, whatever its case");
    }
    headers.set(lowerCaseName, header.value);
  }
  return ok([...headers].filter(([name]) => !HOP_BY_HOP_REQUEST.has(name)).map(([, header]) => header));
}

function parseHeader(name: string, value: unknown): Parsed<ConfiguredHeader> {
  const path = memberPath("headers", name);
  if (name.length > MAX_HEADER_NAME_LENGTH) {
    return refuse(path, `a header name of at most ${MAX_HEADER_NAME_LENGTH} characters`);
  }
  if (!isToken(name)) return refuse(path, "a header name (RFC 9110 token)");
  if (FORBIDDEN_HEADERS.has(name.toLowerCase())) return refuse(path, "a header that a target may set");
  if (typeof value === "string" && value.length > MAX_HEADER_VALUE_LENGTH) {
    return refuse(path, `a string of at most ${MAX_HEADER_VALUE_LENGTH} characters`);
  }
  if (typeof value !== "string" || !isFieldValue(value)) {
    return refuse(path, "a string of characters up to U+00FF without control characters except tab");
  }
  return ok([name, trimFieldValue(value)]);
}
