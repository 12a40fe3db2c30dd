import type { Problem } from "../result.ts";
import { type HeaderField, signedHeaders } from "./header-fields.ts";
import { removeDotSegments } from "./remove-dot-segments.ts";

/*
 * The canonical request of CAP1-HMAC-SHA512. There is no specification: peers verify what its public implementation computes
 * (https://github.com/capabilityio/cap1-hmac-sha512), oddities included.
 */

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a header is signed: every header is that reaches the peer unchanged. */
export function isSignedByCap1(lowerCaseName: string): boolean {
  return !HOP_BY_HOP.has(lowerCaseName) && lowerCaseName !== "authorization";
}

/**
 * Returns why the path cannot be signed, if its escapes are not UTF-8.
 *
 * @example
 * checkCap1Path("/caf%C3%A9"); // => undefined
 * checkCap1Path("/caf%E9")?.field; // => "path"
 */
export function checkCap1Path(path: string): Problem | undefined {
  return isDecodable(path) ? undefined : { field: "path", expected: "a path with escapes of UTF-8 only" };
}

/**
 * Returns why the signature would not protect the query. The scheme signs the text between the first and the second `=` of a pair
 * as its value: in `a=b=c` anyone could change the `c`, and a bare `a` is signed as `a=undefined`.
 *
 * @example
 * checkCap1Query("a=b"); // => undefined
 * checkCap1Query("a=b=c") === undefined; // => false
 */
export function checkCap1Query(query: string): Problem | undefined {
  if (query === "") return undefined;
  for (const pair of query.split("&")) {
    if (pair.split("=").length !== 2) {
      return {
        field: "query",
        expected: 'pairs with exactly one "=": cap1-hmac-sha512 protects no others',
      };
    }
    if (!isDecodable(pair)) return { field: "query", expected: "pairs with escapes of UTF-8 only" };
  }
  return undefined;
}

/** Returns the path decoded, normalized and encoded, slashes included. */
export function canonicalUri(path: string): string {
  return encodeURIComponent(removeDotSegments(decodeURIComponent(path)));
}

/** Returns the pairs sorted as sent, with each key and value decoded and encoded. */
export function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .toSorted()
    .map((pair) => pair.split("=").slice(0, 2).map(encodeOnce).join("="))
    .join("&");
}

/**
 * Returns one line for each name. The values of a repeated name are joined by comma and space, as Node's server passes them to
 * the verifier.
 */
export function canonicalHeaders(fields: readonly HeaderField[]): string {
  return fields
    .map((field) => `${field.lowerCaseName}:${collapseOutsideQuotes(field.values.join(", "))}\n`)
    .join("");
}

export function canonicalRequest(
  method: string,
  uri: string,
  query: string,
  headers: readonly HeaderField[],
): string {
  return [method.toUpperCase(), uri, query, canonicalHeaders(headers), signedHeaders(headers)].join("\n");
}

function encodeOnce(text: string): string {
  return encodeURIComponent(decodeURIComponent(text));
}

/** Collapses spaces outside quotes. Text after an odd quote counts as quoted, and an open quote is closed at the end. */
function collapseOutsideQuotes(value: string): string {
  return value
    .split('"')
    .map((part, index) => (index % 2 === 0 ? part.replace(/\s+/g, " ") : `"${part}"`))
    .join("")
    .trim();
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    // decodeURIComponent throws for malformed input.
    return false;
  }
}
