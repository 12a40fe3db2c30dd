import { MAX_ENTRIES, MAX_TEXT_LENGTH } from "../bounds.ts";
import { FORWARDABLE_METHODS } from "../http-syntax.ts";
import { type MemberParsers, type Parser, listOf, mapOf, parseMembers } from "../json/members.ts";
import { textOf } from "../json/text.ts";
import { parseClientHeaderName } from "../openings/header-names.ts";
import { parseQueryKey } from "../openings/query-keys.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import type { AllowedValues, ListedValue, RequestLimit } from "./limits.ts";
import { parsePathPattern } from "./path-pattern.ts";

/** Parses a value of a query key or header, decoded. */
const parseListedText = textOf(0, MAX_TEXT_LENGTH, "a string");

/** Parses the beginning of a value. An empty one would be every value. */
const parseBeginning = textOf(1, MAX_TEXT_LENGTH, "a string");

/** What a limit may ask of one request. */
export const REQUEST_PARSERS: MemberParsers<RequestLimit> = {
  methods: listOf(parseExactMethod, MAX_ENTRIES, "methods"),
  paths: listOf(parsePattern, MAX_ENTRIES, "path patterns"),
  query: mapOf(parseQueryKey, allowedValues(parseListedValue), MAX_ENTRIES),
  headers: mapOf(parseClientHeaderName, allowedValues(parseListedText), MAX_ENTRIES),
};

/** Parses an entry of `requests`. One without a condition would allow every request. */
export function parseRequestLimit(value: unknown, path: string): Parsed<RequestLimit> {
  const limit = parseMembers(value, path, REQUEST_PARSERS);
  if (!limit.ok || Object.keys(limit.value).length > 0) return limit;
  return refuse(path, `an object with one or more of ${Object.keys(REQUEST_PARSERS).join(", ")}`);
}

/** Methods are case-sensitive (RFC 9110 §9.1), and `get` would be none that is ever sent. */
function parseExactMethod(value: unknown, path: string): Parsed<string> {
  return typeof value === "string" && FORWARDABLE_METHODS.has(value)
    ? ok(value)
    : refuse(path, "an HTTP method in upper case that can be forwarded");
}

function parsePattern(value: unknown, path: string): Parsed<string> {
  const pattern = typeof value === "string" ? parsePathPattern(value) : undefined;
  if (typeof value !== "string" || pattern === undefined) return refuse(path, "a string");
  return pattern.ok ? ok(value) : refuse(path, pattern.error);
}

function allowedValues<T>(parse: Parser<T>): Parser<AllowedValues<T>> {
  const parseList = listOf(parse, MAX_ENTRIES, "values");
  return (value, path) => {
    if (value === true) return ok("any");
    return Array.isArray(value) ? parseList(value, path) : refuse(path, "true or a list of values");
  };
}

function parseListedValue(value: unknown, path: string): Parsed<ListedValue> {
  if (typeof value !== "object") return parseListedText(value, path);
  const beginning = parseMembers<{ startsWith: string }>(value, path, { startsWith: parseBeginning });
  if (!beginning.ok) return beginning;
  const { startsWith } = beginning.value;
  return startsWith === undefined ? refuse(`${path}.startsWith`, "a string") : ok({ startsWith });
}
