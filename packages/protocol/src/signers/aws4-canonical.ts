import { type HeaderField, signedHeaders } from "./header-fields.ts";
import { removeDotSegments } from "./remove-dot-segments.ts";

/*
 * The canonical request of AWS Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */

/** Services whose paths are object keys: these are encoded once, and `//` and dots are part of the name. */
export const S3_SERVICES: ReadonlySet<string> = new Set([
  "s3",
  "s3-object-lambda",
  "s3-outposts",
  "s3express",
]);

/**
 * Tells whether a service of AWS has the API of S3: object keys as paths, bodies that need not be signed, errors in XML.
 *
 * @example
 * isS3Service("s3express"); // => true
 * isS3Service("lambda"); // => false
 */
export function isS3Service(service: string): boolean {
  return S3_SERVICES.has(service);
}

/**
 * Returns the path to send. For S3 services it is encoded as AWS encodes names, so that verifiers compute the same whether they
 * take the path as sent or decode and encode it first.
 *
 * @example
 * wirePath("s3", "/a(1).txt"); // => "/a%281%29.txt"
 */
export function wirePath(service: string, path: string): string {
  return isS3Service(service) ? encodeOnce(path, PATH) : path;
}

/** Returns the path that is signed, from the path that is sent. */
export function canonicalUri(service: string, path: string): string {
  return isS3Service(service) ? wirePath(service, path) : doubleEncode(removeDotSegments(path));
}

/** Returns the query that is signed: each pair with its `=`, sorted by encoded key, then by encoded value. */
export function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((piece) => piece !== "")
    .map(encodePair)
    .toSorted(compareEncodedPairs)
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
}

/** Returns the keys of a query, decoded and encoded once, so that all spellings of a key are equal. */
export function canonicalKeys(query: string): readonly string[] {
  return query
    .split("&")
    .filter((piece) => piece !== "")
    .map((piece) => encodePair(piece)[0]);
}

/** Returns one line for each name; the values of a repeated name are joined by commas in the order sent. */
export function canonicalHeaders(fields: readonly HeaderField[]): string {
  let lines = "";
  for (const { lowerCaseName, values } of fields) {
    const [first = "", ...others] = values;
    lines += `${lowerCaseName}:${collapseSpaces(first)}`;
    for (const value of others) lines += `,${collapseSpaces(value)}`;
    lines += "\n";
  }
  return lines;
}

/** The parts of a canonical request, each in its canonical form. */
export interface CanonicalParts {
  readonly method: string;
  readonly uri: string;
  readonly query: string;
  readonly headers: readonly HeaderField[];
  /** Value of X-Amz-Content-Sha256. */
  readonly payload: string;
}

export function canonicalRequest(parts: CanonicalParts): string {
  const { method, uri, query, headers, payload } = parts;
  return `${method}\n${uri}\n${query}\n${canonicalHeaders(headers)}\n${signedHeaders(headers)}\n${payload}`;
}

/** The characters that are not encoded, and the encoding of each character of one byte. */
interface Encoding {
  readonly unreserved: RegExp;
  readonly table: readonly string[];
}

/** Everything except the unreserved characters of RFC 3986 is encoded; in a path, `/` stays as well. */
const QUERY_PART: Encoding = encoding(/^[A-Za-z0-9\-._~]*$/);
const PATH: Encoding = encoding(/^[A-Za-z0-9\-._~/]*$/);

const PERCENT = 0x25;

/** Makes a table, since a client may send a query in which every character must be encoded. */
function encoding(unreserved: RegExp): Encoding {
  const table = Array.from({ length: 256 }, (_, code) => {
    const character = String.fromCharCode(code);
    if (unreserved.test(character)) return character;
    return code < 128 ? percentEncoded(code) : encodeURIComponent(character);
  });
  return { unreserved, table };
}

function percentEncoded(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Returns what decoding and encoding would give, but without decoding, so that `%2F` differs from `/` and `%FF` is kept. */
function encodeOnce(text: string, { unreserved, table }: Encoding): string {
  if (unreserved.test(text)) return text;
  let encoded = "";
  for (let at = 0; at < text.length; at += 1) {
    const byte = text.charCodeAt(at) === PERCENT ? readEscape(text, at) : undefined;
    if (byte !== undefined) {
      encoded += byte < 128 ? QUERY_PART.table[byte] : percentEncoded(byte);
      at += 2;
    } else {
      const character = characterAt(text, at);
      encoded += table[character.charCodeAt(0)] ?? encodeURIComponent(character);
      at += character.length - 1;
    }
  }
  return encoded;
}

/** Encodes a path that is already encoded, `%` included: the path that is sent has the first encoding only. */
function doubleEncode(path: string): string {
  if (PATH.unreserved.test(path)) return path;
  let encoded = "";
  for (const character of path) {
    encoded += PATH.table[character.charCodeAt(0)] ?? encodeURIComponent(character);
  }
  return encoded;
}

/** Returns the byte that `%XX` at this index encodes. */
function readEscape(text: string, at: number): number | undefined {
  const high = hexValue(text.charCodeAt(at + 1));
  const low = hexValue(text.charCodeAt(at + 2));
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexValue(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}

/** Returns the character at this index, with both halves of a surrogate pair: one half has no encoding. */
function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at) ?? 0;
  return code > 0xffff ? text.slice(at, at + 2) : text.charAt(at);
}

type EncodedPair = readonly [key: string, value: string];

/**
 * `+` is signed as `%20`: verifiers, S3-compatible ones included, parse a query as a form, in which `+` is a space, and AWS
 * encodes a space as `%20`. A plus sign itself is sent as `%2B`.
 */
function encodePair(piece: string): EncodedPair {
  const equals = piece.indexOf("=");
  const key = equals === -1 ? piece : piece.slice(0, equals);
  const value = equals === -1 ? "" : piece.slice(equals + 1);
  return [encodeQueryPart(key), encodeQueryPart(value)];
}

function encodeQueryPart(text: string): string {
  return encodeOnce(text.replaceAll("+", "%20"), QUERY_PART);
}

function compareEncodedPairs([keyA, valueA]: EncodedPair, [keyB, valueB]: EncodedPair): number {
  if (keyA !== keyB) return keyA < keyB ? -1 : 1;
  return valueA === valueB ? 0 : valueA < valueB ? -1 : 1;
}

/** Matches space and tab only: `\s` would also remove the byte A0 of UTF-8 text. */
function collapseSpaces(value: string): string {
  if (!/\t|  |^ | $/.test(value)) return value;
  return value.replace(/[\t ]+/g, " ").replace(/^ | $/g, "");
}
