import { type HeaderField, signedHeaders } from "./header-fields.ts";
import { removeDotSegments } from "./remove-dot-segments.ts";

/*
 * The canonical request of AWS Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */

/** Services whose paths are object keys: encoded once, and `//` and dots are part of the name. */
const S3_SERVICES: ReadonlySet<string> = new Set(["s3", "s3-object-lambda", "s3-outposts", "s3express"]);

export function isS3Service(service: string): boolean {
  return S3_SERVICES.has(service);
}

/**
 * The path to put on the wire. For the S3 kinds it is spelled the way AWS encodes names, so that those who sign and
 * verify the path as it stands and those who decode and encode it first compute the same.
 *
 * @example
 * wirePath("s3", "/a(1).txt"); // => "/a%281%29.txt"
 */
export function wirePath(service: string, path: string): string {
  return isS3Service(service) ? encodeOnce(path, PATH) : path;
}

/** The path as it is signed, made from the path on the wire. */
export function canonicalUri(service: string, path: string): string {
  return isS3Service(service) ? wirePath(service, path) : doubleEncode(removeDotSegments(path));
}

/** The query as it is signed: each pair with its `=`, sorted by encoded key, then by encoded value. */
export function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((piece) => piece !== "")
    .map(encodePair)
    .toSorted(compareEncodedPairs)
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
}

/** The keys of a query, decoded and encoded once: whatever the spelling, one text a key. */
export function canonicalKeys(query: string): readonly string[] {
  return query
    .split("&")
    .filter((piece) => piece !== "")
    .map((piece) => encodePair(piece)[0]);
}

/** One line a name; the values of a repeated name in the order sent, with commas between. */
export function canonicalHeaders(fields: readonly HeaderField[]): string {
  return fields
    .map((field) => `${field.lowerCaseName}:${field.values.map(collapseSpaces).join(",")}\n`)
    .join("");
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
  return [
    parts.method,
    parts.uri,
    parts.query,
    canonicalHeaders(parts.headers),
    signedHeaders(parts.headers),
    parts.payload,
  ].join("\n");
}

/** What is kept as it is, and what is written for each character of one byte. */
interface Encoding {
  readonly unreserved: RegExp;
  readonly table: readonly string[];
}

/** Everything but the unreserved characters of RFC 3986 is encoded; in a path `/` stays as well. */
const QUERY_PART: Encoding = encoding(/^[A-Za-z0-9\-._~]*$/);
const PATH: Encoding = encoding(/^[A-Za-z0-9\-._~/]*$/);

const PERCENT = 0x25;

/** A table, because a stranger may send a query in which every character has to be encoded. */
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

/** What decoding and encoding gives, without ever decoding: `%2F` stays apart from `/`, and `%FF` survives. */
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

/** Encodes what is encoded already, `%` included: the wire carries the first encoding. */
function doubleEncode(path: string): string {
  if (PATH.unreserved.test(path)) return path;
  let encoded = "";
  for (const character of path) {
    encoded += PATH.table[character.charCodeAt(0)] ?? encodeURIComponent(character);
  }
  return encoded;
}

/** The byte that `%XX` at this place stands for. */
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

/** Both halves of a surrogate pair together: one half has no encoding. */
function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at) ?? 0;
  return code > 0xffff ? text.slice(at, at + 2) : text.charAt(at);
}

type EncodedPair = readonly [key: string, value: string];

/**
 * `+` is signed as `%20`: AWS wants a space encoded as `%20`, and the verifiers, S3-compatible ones included, read a
 * query as a form, in which `+` is a space. A plus sign itself travels as `%2B`.
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

/** Space and tab only: `\s` would take the byte A0 out of UTF-8 text. */
function collapseSpaces(value: string): string {
  if (!/\t|  |^ | $/.test(value)) return value;
  return value.replace(/[\t ]+/g, " ").replace(/^ | $/g, "");
}
