/** A value of a query, as a limit compares it. */
export interface QueryValue {
  readonly decoded: string;
  /** It has a raw `+`, which is a space to some parsers. */
  readonly hasPlus: boolean;
}

/** A client's query, parsed once for all limits. */
export interface QueryPairs {
  /** The values by decoded key. Grouped, since a client may send one key thousands of times, and each limit looks at all keys. */
  readonly values: ReadonlyMap<string, readonly QueryValue[]>;
  /** The key, as sent, of the first pair that parsers read differently. No limit on the query admits it. */
  readonly ambiguousKey?: string;
}

/** The pairs of a request without a query. */
const NO_PAIRS: QueryPairs = { values: new Map() };

/**
 * Splits a query at `&` only; `k` equals `k=`. Ambiguous is a pair with a raw `;`, at which some parsers split, with a raw `+` in its
 * key, or with anything that is not UTF-8 or holds a control character once it is decoded.
 */
export function parseQueryPairs(query: string): QueryPairs {
  if (query === "") return NO_PAIRS;
  const values = new Map<string, QueryValue[]>();
  for (const pair of splitQuery(query)) {
    if (pair === "") continue;
    const { rawKey, rawValue } = splitQueryPair(pair);
    const key = decodeQueryKey(rawKey);
    const decoded = decode(rawValue);
    if (key === undefined || decoded === undefined) return { values, ambiguousKey: rawKey };
    const value = { decoded, hasPlus: rawValue.includes("+") };
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  return { values };
}

/** Splits a query into its pairs, as they were sent. */
export function splitQuery(query: string): readonly string[] {
  // Many queries have one pair, and V8 takes longer to split than to find out that there is nothing to split.
  return query.includes("&") ? query.split("&") : [query];
}

export function splitQueryPair(pair: string): { readonly rawKey: string; readonly rawValue: string } {
  const equals = pair.indexOf("=");
  if (equals === -1) return { rawKey: pair, rawValue: "" };
  return { rawKey: pair.slice(0, equals), rawValue: pair.slice(equals + 1) };
}

/** @returns nothing for an ambiguous key. */
export function decodeQueryKey(rawKey: string): string | undefined {
  return rawKey.includes("+") ? undefined : decode(rawKey);
}

/** Visible ASCII without `;`. */
const UNAMBIGUOUS = /^[!-:<-~]*$/;

const CONTROL_CHARACTER = /\p{Cc}/u;

function decode(text: string): string | undefined {
  if (!UNAMBIGUOUS.test(text)) return undefined;
  if (!text.includes("%")) return text;
  try {
    const decoded = decodeURIComponent(text);
    return CONTROL_CHARACTER.test(decoded) ? undefined : decoded;
  } catch {
    // decodeURIComponent throws for an incomplete escape and for what is not UTF-8.
    return undefined;
  }
}
