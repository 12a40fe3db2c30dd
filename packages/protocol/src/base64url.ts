const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The value of each character by its code; -1 for one that is not in the alphabet. */
const VALUES: Int8Array = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * Encodes bytes as base64url without padding (RFC 4648 §5).
 *
 * @example
 * encodeBase64url(new Uint8Array([1, 2])); // => "AQI"
 */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  const whole = bytes.length - (bytes.length % 3);
  for (let at = 0; at < whole; at += 3) {
    const three = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += PAIRS[three >> 12] ?? "";
    text += PAIRS[three & 0xfff] ?? "";
  }
  if (bytes.length === whole) return text;
  const rest = ((bytes[whole] ?? 0) << 16) | ((bytes[whole + 1] ?? 0) << 8);
  text += PAIRS[rest >> 12] ?? "";
  return bytes.length - whole === 1 ? text : text + ALPHABET.charAt((rest >> 6) & 63);
}

/** The two characters of each 12-bit value. */
const PAIRS: readonly string[] = Array.from(
  { length: 4_096 },
  (_, bits) => ALPHABET.charAt(bits >> 6) + ALPHABET.charAt(bits & 63),
);

/**
 * Decodes a text in its canonical spelling; returns `undefined` for any other.
 *
 * Lenient decoders ignore padding, junk and the unused low bits of the last character, so one value has many spellings, and each
 * of them can bypass a comparison or an index by text (RFC 4648 §3.5).
 *
 * @example
 * decodeBase64url("AQI"); // => new Uint8Array([1, 2])
 * decodeBase64url("AQI="); // => undefined
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8));
  let length = 0;
  let buffered = 0;
  let bits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const value = VALUES[text.charCodeAt(at)] ?? -1;
    if (value === -1) return undefined;
    buffered = ((buffered << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (buffered >> bits) & 0xff;
    }
  }
  const unusedBits = buffered & ((1 << bits) - 1);
  return unusedBits === 0 ? bytes : undefined;
}
