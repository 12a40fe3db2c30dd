import { MAX_ENTRIES } from "../bounds.ts";
import { type Fields, parseOptionalBoolean } from "../json/fields.ts";
import { listOf } from "../json/members.ts";
import { type Parsed, ok, refuse } from "../result.ts";
import { parseClientHeaderName } from "./header-names.ts";
import { parseQueryKey } from "./query-keys.ts";

/**
 * What the clients of a target may vary. An absent field opens nothing.
 *
 * @example
 * const openings: Openings = { allowPath: true, allowQuery: ["page", "per_page"] };
 * openings.encodedSlash; // => undefined
 */
export interface Openings {
  /** A path other than `/` is appended to the target's. */
  readonly allowPath?: true;
  /** A query is appended to the target's: any, or one of these keys, which are decoded. */
  readonly allowQuery: boolean | readonly string[];
  /** Lower-case names of headers that pass, although they do not by default. */
  readonly allowHeaders?: readonly string[];
  /** The path may have `%2F` within a segment. */
  readonly encodedSlash?: true;
  /** The path may have empty segments. */
  readonly emptySegments?: true;
}

const parseQueryKeys = listOf(parseQueryKey, MAX_ENTRIES, "query keys");
const parseHeaderNames = listOf(parseClientHeaderName, MAX_ENTRIES, "header names");

/** Parses the openings among the fields of a target. */
export function parseOpenings(fields: Fields): Parsed<Openings> {
  const allowPath = parseOptionalBoolean(fields.get("allowPath"), "allowPath");
  if (!allowPath.ok) return allowPath;
  const allowQuery = parseAllowQuery(fields.get("allowQuery"));
  if (!allowQuery.ok) return allowQuery;
  const names = fields.get("allowHeaders");
  const allowHeaders = names === undefined ? ok(undefined) : parseHeaderNames(names, "allowHeaders");
  if (!allowHeaders.ok) return allowHeaders;
  const encodedSlash = parseOptionalBoolean(fields.get("encodedSlash"), "encodedSlash");
  if (!encodedSlash.ok) return encodedSlash;
  const emptySegments = parseOptionalBoolean(fields.get("emptySegments"), "emptySegments");
  if (!emptySegments.ok) return emptySegments;
  return checkConflicts({
    ...(allowPath.value === true && { allowPath: true }),
    allowQuery: allowQuery.value,
    ...(allowHeaders.value !== undefined && { allowHeaders: allowHeaders.value }),
    ...(encodedSlash.value === true && { encodedSlash: true }),
    ...(emptySegments.value === true && { emptySegments: true }),
  });
}

function parseAllowQuery(value: unknown): Parsed<boolean | readonly string[]> {
  if (value === undefined) return ok(false);
  if (typeof value === "boolean") return ok(value);
  return Array.isArray(value)
    ? parseQueryKeys(value, "allowQuery")
    : refuse("allowQuery", "true, false or a list of query keys");
}

function checkConflicts(openings: Openings): Parsed<Openings> {
  const needsPath = (["encodedSlash", "emptySegments"] as const).find((name) => openings[name] === true);
  return needsPath !== undefined && openings.allowPath !== true
    ? refuse(needsPath, "false, unless allowPath is true")
    : ok(openings);
}
