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

function countTruncated(...pieces: readonly Uint8Array[]): number {
  const finder = createTokenFinder();
  for (const piece of pieces) finder.push(piece);
  return finder.end();
}

/** The places of a text at which the pattern finds a token. */
function matchesAt(text: string): readonly number[] {
  const atStart = new RegExp(`^${TOKEN_PATTERN.source}`);
  return Array.from(text, (_, index) => index).filter((index) => atStart.test(text.slice(index)));
}

function matchesOf(text: string) {
  return matchesAt(text).map((index) => ({
    token: text.slice(index, index + TOKEN_LENGTH),
    line: text.slice(0, index).split("\n").length,
  }));
}

/** How many tokens of a text have lost their end: at least one character is left, and nothing that follows can be of the token. */
function truncatedIn(text: string): number {
  const whole = matchesAt(text);
  return Array.from(text.matchAll(new RegExp(`(?=${PREFIX}([\\w-]*))`, "g"))).filter(
    ({ index, 1: rest = "" }) =>
      rest.length > 0 &&
      rest.length < TOKEN_LENGTH - PREFIX.length &&
      !whole.some((at) => at < index && index < at + TOKEN_LENGTH),
  ).length;
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

test("every token is found wherever the text is cut into pieces, with its line, also those that overlap, and those without an end are counted", () => {
  fc.assert(
    fc.property(TEXT, fc.array(fc.nat({ max: 400 }), { maxLength: 6 }), (text, cuts) => {
      const bytes = Buffer.from(text);
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      expect(find(...pieces)).toEqual(matchesOf(text));
      expect(countTruncated(...pieces)).toBe(truncatedIn(text));
    }),
  );
});

test("a token is found when each of its bytes comes alone, and letters before it do not hide it", () => {
  const token = formatToken(randomBytes(TOKEN_BYTES));
  const alone = Array.from(Buffer.from(`x\n${token}`), (byte) => Uint8Array.of(byte));
  expect(find(...alone)).toEqual([{ token, line: 2 }]);
  expect(find(Buffer.from(PREFIX + token)).map((found) => found.token)).toContain(token);
});

test.each([
  ["one character is left", TOKEN.slice(0, 9), 1],
  ["all but one character are left", `"${TOKEN.slice(0, -1)}"`, 1],
  ["it goes on in the next line", `${TOKEN.slice(0, 50)}\n${TOKEN.slice(50)}`, 1],
  ["there are two", `${TOKEN.slice(0, 50)} ${TOKEN.slice(0, 60)}…`, 2],
  ["nothing is left of it", `${PREFIX} ${PREFIX}… ${PREFIX}*** ${PREFIX}`, 0],
  ["it is whole", TOKEN, 0],
  ["it is within a whole one", `${PREFIX}${"A".repeat(60)}${PREFIX}${"A".repeat(18)}`, 0],
  ["it follows a whole one", `${TOKEN}"${TOKEN.slice(0, 50)}`, 1],
  ["it is as long as a token, and none", `${TOKEN.slice(0, -1)}B`, 0],
])("a token without an end is counted, and is none that is found: %s", (_when, text, count) => {
  const pieces = [Buffer.from(text)];
  expect(countTruncated(...pieces)).toBe(count);
  expect(find(...pieces)).toEqual(matchesOf(text));
});

test("tokens in UTF-16 are found, as Windows writes logs", () => {
  const text = `\ufefffirst\r\n${TOKEN}\r\n`;
  expect(find(Buffer.from(text, "utf16le"))).toEqual([{ token: TOKEN, line: 2 }]);
  expect(find(Buffer.from(text, "utf16le").swap16())).toEqual([{ token: TOKEN, line: 2 }]);
});
