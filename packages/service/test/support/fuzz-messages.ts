import fc from "fast-check";
import type { GeneratedText } from "./fuzz-mutations.ts";
import { MARK } from "./fuzz-script.ts";

/** Valid and invalid choices for one part of a message. */
export function mostly(sound: readonly string[], unsound: readonly string[]): fc.Arbitrary<GeneratedText> {
  const one = (choices: readonly string[], isSound: boolean): fc.Arbitrary<GeneratedText> =>
    fc.constantFrom(...choices).map((piece) => ({ pieces: [piece], isSound }));
  return fc.oneof({ arbitrary: one(sound, true), weight: 12 }, { arbitrary: one(unsound, false), weight: 1 });
}

/** Joins the parts of a message. */
export function join(parts: readonly GeneratedText[]): GeneratedText {
  return {
    pieces: parts.flatMap(({ pieces }) => pieces),
    isSound: parts.every(({ isSound }) => isSound),
  };
}

/** A body of up to about a hundred bytes, or of more than one buffer. */
export const body: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.nat(12).map((count) => MARK.repeat(count)), weight: 10 },
  { arbitrary: fc.integer({ min: 4_000, max: 30_000 }).map((count) => MARK.repeat(count)), weight: 1 },
);

const oddFraming = fc.constantFrom(
  "Content-Length: 8\r\nTransfer-Encoding: chunked\r\n",
  "Transfer-Encoding: chunked\r\nContent-Length: 8\r\n",
  "Content-Length: 8\r\nContent-Length: 8\r\n",
  "Content-Length: 8\r\nContent-Length: 16\r\n",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding: chunked, gzip\r\n",
  "Transfer-Encoding: gzip\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding: xchunked\r\n",
  "Transfer-Encoding: chunked\xa0\r\n",
  "Transfer-Encoding: \t chunked \r\n",
  "Content-Length: 08\r\n",
  "Content-Length: +8\r\n",
  "Content-Length: -8\r\n",
  "Content-Length: 8, 8\r\n",
  "Content-Length: 0x8\r\n",
  "Content-Length: 8 8\r\n",
  "Content-Length:\r\n",
  "Content-Length: 18446744073709551624\r\n",
);

/** A body, after the header line that frames it and the empty line. */
export const framedBody: fc.Arbitrary<GeneratedText> = fc.oneof(
  { arbitrary: body.map(byLength), weight: 6 },
  { arbitrary: fc.tuple(body, fc.array(fc.nat(9_999), { maxLength: 3 })).map(inChunks), weight: 6 },
  {
    arbitrary: fc
      .tuple(oddFraming, fc.oneof(body.map(byLength), fc.tuple(body, fc.constant([])).map(inChunks)))
      .map(([framing, { pieces }]) => ({ pieces: [framing, ...pieces.slice(1)], isSound: false })),
    weight: 2,
  },
);

function byLength(text: string): GeneratedText {
  return { pieces: [`Content-Length: ${text.length}\r\n`, "\r\n", text], isSound: true };
}

function inChunks([text, cuts]: readonly [string, readonly number[]]): GeneratedText {
  const places = cuts.map((part) => Math.floor((part * text.length) / 10_000)).toSorted((a, b) => a - b);
  const chunks = [0, ...places].map((place, index) => text.slice(place, places[index]));
  const coded = chunks
    .filter((chunk) => chunk !== "")
    .flatMap((chunk, index) => [
      `${chunk.length.toString(16)}${index === 1 ? ";a=b" : ""}\r\n`,
      chunk,
      "\r\n",
    ]);
  const trailers = cuts.length === 3 ? ["X-Trailer: 1\r\n"] : [];
  return {
    pieces: ["Transfer-Encoding: chunked\r\n", "\r\n", ...coded, "0\r\n", ...trailers, "\r\n"],
    isSound: true,
  };
}
