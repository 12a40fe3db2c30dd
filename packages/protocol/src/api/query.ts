import { type Fields, parseFields, parseOptionalText } from "../json/fields.ts";
import { type Parsed, ok, printableName, refuse } from "../result.ts";
import { ID_RULE } from "./id.ts";

/**
 * Query of a GET to a `query` capability.
 *
 * @example
 * const request: QueryRequest = { lastId: "reports", limit: 100 };
 * formatQueryRequest(request); // => "lastId=reports&limit=100"
 */
export interface QueryRequest {
  /** The one membrane to look for. */
  readonly id?: string;
  /** Return only ids after this one, in the order of their UTF-8 bytes. */
  readonly lastId?: string;
  /** Most membranes to return: 1 to 1000, default 1. */
  readonly limit: number;
}

const QUERY_KEYS = ["id", "lastId", "limit"];
const DEFAULT_LIMIT = 1;
const MAX_LIMIT = 1000;

/**
 * @param search the raw query without `?`, form-encoded (so `+` is a space). Unknown and repeated keys are refused, and
 *   so is an escape that is not UTF-8.
 *
 * @example
 * parseQueryRequest("id=a+b"); // => ok({ id: "a b", limit: 1 })
 * parseQueryRequest("limit=1&limit=2"); // => refuse("limit", "no second value")
 */
export function parseQueryRequest(search: string): Parsed<QueryRequest> {
  const pairs = parsePairs(search);
  if (!pairs.ok) return pairs;
  return parseQuery(pairs.value, parseDigits(pairs.value.get("limit")));
}

/**
 * Parses the same query from an object of a program. Absent members, and `null` in place of the object, mean the defaults.
 *
 * @param query `{id?, lastId?, limit?}` with `limit` a number. An unknown member is refused.
 *
 * @example
 * parseQueryFields(null); // => ok({ limit: 1 })
 * parseQueryFields({ limit: 5_000 }); // => ok({ limit: 1000 })
 */
export function parseQueryFields(query: unknown): Parsed<QueryRequest> {
  const fields = parseFields(query ?? {}, "", QUERY_KEYS);
  if (!fields.ok) return fields;
  return parseQuery(fields.value, fields.value.get("limit"));
}

/**
 * Formats the query as it follows `?`; `parseQueryRequest` returns the same request.
 *
 * @example
 * formatQueryRequest({ id: "a b", limit: 1 }); // => "id=a%20b&limit=1"
 */
export function formatQueryRequest({ id, lastId, limit }: QueryRequest): string {
  const pairs = Object.entries({ id, lastId, limit: String(limit) });
  return pairs
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
}

function parseQuery(fields: Fields, limit: unknown): Parsed<QueryRequest> {
  const id = parseOptionalText(fields.get("id"), "id", ID_RULE);
  if (!id.ok) return id;
  const lastId = parseOptionalText(fields.get("lastId"), "lastId", ID_RULE);
  if (!lastId.ok) return lastId;
  const count = parseLimit(limit);
  if (!count.ok) return count;
  return ok({
    ...(id.value !== undefined && { id: id.value }),
    ...(lastId.value !== undefined && { lastId: lastId.value }),
    limit: count.value,
  });
}

function parsePairs(search: string): Parsed<ReadonlyMap<string, string>> {
  const pairs = new Map<string, string>();
  for (const piece of search.split("&")) {
    if (piece === "") continue;
    const equals = piece.indexOf("=");
    const key = decodeFormComponent(equals === -1 ? piece : piece.slice(0, equals));
    if (key === undefined) return refuse("query", "percent-encoded UTF-8");
    const field = printableName(key);
    if (!QUERY_KEYS.includes(key)) return refuse(field, `no such key; the keys are ${QUERY_KEYS.join(", ")}`);
    if (pairs.has(key)) return refuse(field, "no second value");
    const value = decodeFormComponent(equals === -1 ? "" : piece.slice(equals + 1));
    if (value === undefined) return refuse(field, "percent-encoded UTF-8");
    pairs.set(key, value);
  }
  return ok(pairs);
}

/** Parses a number of any length, since one over the highest limit means that limit; NaN if it is not a number. */
function parseDigits(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^[0-9]+$/.test(text) ? Math.min(Number(text), MAX_LIMIT) : Number.NaN;
}

function parseLimit(limit: unknown): Parsed<number> {
  if (limit === undefined) return ok(DEFAULT_LIMIT);
  const isCount = typeof limit === "number" && Number.isInteger(limit) && limit >= 1;
  return isCount ? ok(Math.min(limit, MAX_LIMIT)) : refuse("limit", "an integer of at least 1");
}

function decodeFormComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // decodeURIComponent throws for malformed input.
    return undefined;
  }
}
