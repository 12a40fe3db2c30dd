/**
 * Finds the first part of a path and query that would not be sent as written: a part that a URL parser would change, or an empty
 * query. The description has its position and not its text, which may contain a secret.
 *
 * A target's path and query are sent and signed as written. If a parser changed them it would be another request: `DELETE
 * /bucket/a/..` would become `DELETE /bucket/`.
 *
 * @param pathAndQuery path and query as written after the authority; an absent path means `/` to every parser.
 * @returns a description of the first part that would change, or nothing.
 */
export function findNormalization(pathAndQuery: string): string | undefined {
  const mark = pathAndQuery.indexOf("?");
  const path = mark === -1 ? pathAndQuery : pathAndQuery.slice(0, mark);
  const query = mark === -1 ? undefined : pathAndQuery.slice(mark + 1);
  return findInPath(path) ?? (query === undefined ? undefined : findInQuery(query));
}

const PLACEHOLDER_ORIGIN = "https://a.invalid";

/** `.` and `..`, escaped or not (https://url.spec.whatwg.org/#single-dot-path-segment). */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?=\/|$)/i;

function findInPath(path: string): string | undefined {
  const dots = DOT_SEGMENT.exec(path);
  const before = dots === null ? path : path.slice(0, dots.index);
  const position =
    before === "" ? undefined : firstDifference(before, new URL(PLACEHOLDER_ORIGIN + before).pathname);
  if (position !== undefined) return describeCharacter("path", before, position);
  if (dots === null) return undefined;
  const segmentNumber = before.split("/").length;
  return `segment ${segmentNumber} of the path is a dot segment, which URL parsers resolve`;
}

function findInQuery(query: string): string | undefined {
  // `/a?` and `/a` are two URIs (RFC 3986 §6.2.3), and an empty query is not sent.
  if (query === "") return "the query is empty: leave out the question mark";
  const position = firstDifference(query, new URL(`${PLACEHOLDER_ORIGIN}/?${query}`).search.slice(1));
  return position === undefined ? undefined : describeCharacter("query", query, position);
}

function describeCharacter(part: string, text: string, position: number): string {
  const code = text.codePointAt(position) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const written = code > 0x20 && code < 0x7f ? `${String.fromCodePoint(code)} (${name})` : name;
  return `character ${position + 1} of the ${part}, ${written}, has to be percent-encoded`;
}

function firstDifference(input: string, parsed: string): number | undefined {
  if (input === parsed) return undefined;
  let at = 0;
  while (at < input.length && input.charCodeAt(at) === parsed.charCodeAt(at)) at += 1;
  return at;
}
