import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import { TOKEN_BYTES, TOKEN_PATTERN, formatToken, parseToken, tokenBytes } from "./token.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const sixtyFourBytes = fc.uint8Array({ minLength: TOKEN_BYTES, maxLength: TOKEN_BYTES });

test("a token has 94 characters, is parsed unchanged, and is decoded to its bytes", () => {
  fc.assert(
    fc.property(sixtyFourBytes, (bytes) => {
      const token = formatToken(bytes);
      expect(token).toHaveLength(94);
      expect(parseToken(token)).toBe(token);
      expect(tokenBytes(token)).toEqual(bytes);
    }),
  );
});

test("of the 16 spellings of one value, only the canonical one is accepted", () => {
  fc.assert(
    fc.property(sixtyFourBytes, (bytes) => {
      const token = formatToken(bytes);
      const spellings = Array.from(ALPHABET)
        .map((last) => token.slice(0, -1) + last)
        .filter((text) => Buffer.from(text.slice(8), "base64url").equals(bytes));
      expect(spellings).toHaveLength(16);
      expect(spellings.filter((text) => parseToken(text) !== undefined)).toEqual([token]);
    }),
  );
});

const token = formatToken(randomBytes(TOKEN_BYTES));

test.each([
  ["a padded token", `${token}==`],
  ["a token with a line feed after it", `${token}\n`],
  ["a token with a space before it", ` ${token}`],
  ["a token with junk inside", `${token.slice(0, 40)}!${token.slice(40)}`],
  ["a token of one byte less", `CPBLTY1-${Buffer.alloc(63).toString("base64url")}`],
  ["a token of one byte more", `CPBLTY1-${Buffer.alloc(65).toString("base64url")}`],
  ["a token in standard base64", `CPBLTY1-${Buffer.alloc(64, 0xff).toString("base64")}`],
  ["another version", token.replace("CPBLTY1", "CPBLTY2")],
  ["another case", token.replace("CPBLTY1", "cpblty1")],
  ["two tokens", token + token],
  ["nothing", ""],
])("%s is not a token", (_, text) => {
  expect(parseToken(text)).toBeUndefined();
});

test.each([0, 63, 65])("%i bytes cannot be formatted as a token", (length) => {
  expect(() => formatToken(new Uint8Array(length))).toThrow(RangeError);
});

test("the published pattern finds a token within a text, and does not match other text", () => {
  expect(TOKEN_PATTERN.exec(`see cpblty://a.example/#${token}, thanks`)?.[0]).toBe(token);
  expect(TOKEN_PATTERN.test(`CPBLTY1-${"A".repeat(85)}B`)).toBe(false);
  expect(TOKEN_PATTERN.global).toBe(false);
});
