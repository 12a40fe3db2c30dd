import { decodeBase64url, encodeBase64url } from "./base64url.ts";

declare const brand: unique symbol;

/**
 * The bearer token of one capability: `CPBLTY1-` and 64 bytes in canonical base64url, 94 characters in all.
 *
 * @example
 * const token: CapabilityToken | undefined = parseToken(TOKEN);
 * token?.length; // => 94
 */
export type CapabilityToken = string & { readonly [brand]: "CapabilityToken" };

/**
 * Random bytes in a token of version 1.
 *
 * @example
 * formatToken(new Uint8Array(TOKEN_BYTES)); // => TOKEN
 */
export const TOKEN_BYTES = 64;

const PREFIX = "CPBLTY1-";

/**
 * Finds a token in a text, for secret scanners. The last of the 86 characters has two bits only, so it has four possible values.
 *
 * @example
 * TOKEN_PATTERN.exec(`Authorization: Bearer ${TOKEN}`)?.[0]; // => TOKEN
 */
export const TOKEN_PATTERN: RegExp = /CPBLTY1-[A-Za-z0-9_-]{85}[AQgw]/;

/**
 * Characters of a token.
 *
 * @example
 * formatToken(new Uint8Array(TOKEN_BYTES)).length; // => TOKEN_LENGTH
 */
export const TOKEN_LENGTH = 94;

const PARTIAL_TOKEN = /^CPBLTY1-[A-Za-z0-9_-]{0,85}$/;

/** Of a text of a token's length: a count would be checked for each character. */
const WHOLE_TOKEN = /^CPBLTY1-[A-Za-z0-9_-]*[AQgw]$/;

/**
 * @throws RangeError unless there are exactly 64 bytes.
 *
 * @example
 * formatToken(new Uint8Array(64)); // => TOKEN
 */
export function formatToken(bytes: Uint8Array): CapabilityToken {
  const token = bytes.length === TOKEN_BYTES ? parseToken(PREFIX + encodeBase64url(bytes)) : undefined;
  if (token === undefined) throw new RangeError(`a token has ${TOKEN_BYTES} bytes`);
  return token;
}

/**
 * Parses a token in its canonical spelling; the 15 other spellings of the same bytes are refused.
 *
 * @example
 * parseToken(TOKEN); // => TOKEN
 * parseToken(TOKEN.slice(0, -1) + "B"); // => undefined
 */
export function parseToken(text: string): CapabilityToken | undefined {
  return isToken(text) ? text : undefined;
}

/** Whether the text is the beginning of a token, but not all of it. */
export function isPartialToken(text: string): boolean {
  return text !== "" && (PREFIX.startsWith(text) || PARTIAL_TOKEN.test(text));
}

/**
 * Decodes the 64 bytes of a token.
 *
 * @example
 * const token = parseToken(TOKEN);
 * token && tokenBytes(token); // => new Uint8Array(64)
 */
export function tokenBytes(token: CapabilityToken): Uint8Array {
  const bytes = decodeBase64url(token.slice(PREFIX.length));
  if (bytes === undefined) throw new TypeError("not a token made by parseToken or formatToken");
  return bytes;
}

function isToken(text: string): text is CapabilityToken {
  return text.length === TOKEN_LENGTH && WHOLE_TOKEN.test(text);
}
