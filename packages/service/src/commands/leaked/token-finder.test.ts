import { randomBytes } from "node:crypto";
import { formatToken, TOKEN_BYTES, TOKEN_LENGTH, TOKEN_PATTERN } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTokenFinder } from "./token-finder.ts";

const TOKEN = formatToken(new Uint8Array(TOKEN_BYTES));
const PREFIX = TOKEN.slice(0, 8);

function find(...pieces: readonly Uint8Array[]) {
  const finder = createTokenFinder();
  return pieces.flatMap((piece) => finder.push(piece));
}

/** What the pattern finds at each place of a text, one after the other. */
function matchesOf(text: string) {
  const atStart = new RegExp(`^${TOKEN_PATTERN.source}`);
  return Array.from(text, (_, index) => ({
    token: atStart.exec(text.slice(index, index + TOKEN_LENGTH))?.[0],
    line: text.slice(0, index).split("\n").length,
  })).filter(({ token }) => token !== undefined);
}

/** Texts of tokens, of parts of them, and of what surrounds them, so that tokens touch, overlap and end early. */
const TEXT = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: TOKEN_BYTES, maxLength: TOKEN_BYTES }).map(formatToken),
      fc.nat({ max: TOKEN_LENGTH }).map((length) => TOKEN.slice(0, length)),
      fc.constantFrom(PREFIX, "CPBLTY", "1-", "\n", " ", "A", '"', "cpblty://a/#", "B\n"),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

test("every token is found wherever the text is cut into pieces, with its line, also those that overlap", () => {
  fc.assert(
    fc.property(TEXT, fc.array(fc.nat({ max: 400 }), { maxLength: 6 }), (text, cuts) => {
      const bytes = Buffer.from(text);
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      expect(find(...pieces)).toEqual(matchesOf(text));
    }),
  );
});

test("a token is found when each of its bytes comes alone, and letters before it do not hide it", () => {
  const token = formatToken(randomBytes(TOKEN_BYTES));
  const alone = Array.from(Buffer.from(`x\n${token}`), (byte) => Uint8Array.of(byte));
  expect(find(...alone)).toEqual([{ token, line: 2 }]);
  expect(find(Buffer.from(PREFIX + token)).map((found) => found.token)).toContain(token);
});

test("tokens in UTF-16 are found, as Windows writes logs", () => {
  const text = `\ufefffirst\r\n${TOKEN}\r\n`;
  expect(find(Buffer.from(text, "utf16le"))).toEqual([{ token: TOKEN, line: 2 }]);
  expect(find(Buffer.from(text, "utf16le").swap16())).toEqual([{ token: TOKEN, line: 2 }]);
});
