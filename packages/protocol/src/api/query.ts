import { type Parsed, accept, printableName, refuse } from "../result.ts";
import { ID_RULE } from "./id.ts";
import { parseText } from "./json-fields.ts";

/** Query of a GET to a `query` capability. */
export interface QueryRequest {
  /** The one membrane to look for. */
  readonly id?: string;
  /** Answer only with ids after this one, in the order of their UTF-8 bytes. */
  readonly lastId?: string;
  /** How many membranes to answer with at most: 1 to 1000, default 1. */
  readonly limit: number;
}

const KNOWN = ["id", "lastId", "limit"];
const DEFAULT_LIMIT = 1;
const HIGHEST_LIMIT = 1000;

/**
 * @param search the raw query without `?`, form-encoded (so `+` is a space). Unknown and repeated keys are refused, and
 *   so is an escape that is not UTF-8.
 */
export function parseQueryRequest(search: string): Parsed<QueryRequest> {
  const pairs = parsePairs(search);
  if (!pairs.ok) return pairs;
  const id = parseOptionalId(pairs.value, "id");
  if (!id.ok) return id;
  const lastId = parseOptionalId(pairs.value, "lastId");
  if (!lastId.ok) return lastId;
  const limit = parseLimit(pairs.value.get("limit"));
  if (!limit.ok) return limit;
  return accept({
    ...(id.value !== undefined && { id: id.value }),
    ...(lastId.value !== undefined && { lastId: lastId.value }),
    limit: limit.value,
  });
}

function parsePairs(search: string): Parsed<ReadonlyMap<string, string>> {
  const pairs = new Map<string, string>();
  for (const piece of search.split("&")) {
    if (piece === "") continue;
    const equals = piece.indexOf("=");
    const key = formDecode(equals === -1 ? piece : piece.slice(0, equals));
    if (key === undefined) return refuse("query", "percent-encoded UTF-8");
    const field = printableName(key);
    if (!KNOWN.includes(key)) return refuse(field, `no such key; the keys are ${KNOWN.join(", ")}`);
    if (pairs.has(key)) return refuse(field, "no second value");
    const value = formDecode(equals === -1 ? "" : piece.slice(equals + 1));
    if (value === undefined) return refuse(field, "percent-encoded UTF-8");
    pairs.set(key, value);
  }
  return accept(pairs);
}

function parseOptionalId(pairs: ReadonlyMap<string, string>, key: string): Parsed<string | undefined> {
  const value = pairs.get(key);
  return value === undefined ? accept(undefined) : parseText(value, key, ID_RULE);
}

function parseLimit(text: string | undefined): Parsed<number> {
  if (text === undefined) return accept(DEFAULT_LIMIT);
  const limit = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (limit < 1) return refuse("limit", "an integer of at least 1");
  return accept(Math.min(limit, HIGHEST_LIMIT));
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // decodeURIComponent has no other way to say that its input is malformed.
    return undefined;
  }
}
