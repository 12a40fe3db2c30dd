import fc from "fast-check";
import type { GeneratedText } from "./fuzz-mutations.ts";
import { MARK } from "./fuzz-script.ts";

/** Field lines that no message may have (RFC 9112 §5), two of them folded, which a recipient may also unfold (§5.2). */
export const MALFORMED_LINES: readonly string[] = [
  "X : y\r\n",
  "X: y\r\n folded\r\n",
  "X:\r\n\tfolded\r\n",
  "X: y\0\r\n",
  "X: \x0by\r\n",
  "X: y\rZ: y\r\n",
  "X: y\nZ: y\r\n",
  "X: y\n",
  "X: y\r\r\n",
  "X\x85: y\r\n",
  "X@: y\r\n",
  "X\r\n",
];

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
  "Content-Length: 8\t\r\n",
  "Content-Length: 8\0\r\n",
  "Content-Length: 1_0\r\n",
  "Content-Length: 8Z\r\n",
  "Content-Length : 8\r\n",
  "Content-Length 8\r\n",
  "Content-Length\x85: 8\r\n",
  "Content\rLength: 8\r\n",
  "Content-Length:\r\n 8\r\n",
  "Content-Length:\r\nContent-Length: 8\r\n",
  "Content_Length: 8\r\n",
  "Transfer-Encoding: chunked\t\r\n",
  "Transfer-Encoding: \x0bchunked\r\n",
  "Transfer-Encoding: ,chunked\r\n",
  "Transfer-Encoding: chunked,\r\n",
  "Transfer-Encoding: chunked, identity\r\n",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
  "Transfer-Encoding: chunked\0\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding:\r\n chunked\r\n",
  "Transfer-\r\nEncoding: chunked\r\n",
  "X: y\nTransfer-Encoding: chunked\r\n",
  "X: y\rTransfer-Encoding: chunked\r\n",
  "Transfer_Encoding: chunked\r\nContent-Length: 8\r\n",
);

/** What may follow the size of a chunk, and what must not. */
const extension = mostly(
  ["", "", "", ";a", ";a=b", ";a=b;c", ';a="b;c"', ';a="\\"b"'],
  [" ", "\t", ";", ";\r", ";\n", " ;a", ';a="b', ";a=\0", ";a\rb", "\r\r;a", "_8", " a", "\xa0", "\r0"],
);

/** What may come between the last chunk and the end, and what must not. */
const trailer = mostly(
  ["", "", "X-Trailer: 1\r\n", "X-Trailer: 1\r\nX-Other:\r\n"],
  [
    "Content-Length: 8\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Host: b\r\n",
    "X\r\n",
    ": x\r\n",
    "X : y\r\n",
    " X: y\r\n",
    "X: y\r\n z\r\n",
    "X: y\0\r\n",
    "X: y\rZ: y\r\n",
    "X: y\n",
    "X: GET /?hidden HTTP/1.1\r\n",
    "\r",
    "\n",
  ],
);

const NOTHING = fc.constant<GeneratedText>({ pieces: [""], isSound: true });

/** A body, after the header line that frames it and the empty line. */
export const framedBody: fc.Arbitrary<GeneratedText> = fc.oneof(
  { arbitrary: body.map(byLength), weight: 6 },
  {
    arbitrary: fc.tuple(body, fc.array(fc.nat(9_999), { maxLength: 3 }), extension, trailer).map(inChunks),
    weight: 6,
  },
  {
    arbitrary: fc
      .tuple(
        oddFraming,
        fc.oneof(body.map(byLength), fc.tuple(body, fc.constant([]), NOTHING, NOTHING).map(inChunks)),
      )
      .map(([framing, { pieces }]) => ({ pieces: [framing, ...pieces.slice(1)], isSound: false })),
    weight: 2,
  },
);

function byLength(text: string): GeneratedText {
  return { pieces: [`Content-Length: ${text.length}\r\n`, "\r\n", text], isSound: true };
}

/** @param given the content, where it is cut, what follows the size of the second chunk, or of the last one, and the trailers. */
function inChunks(given: readonly [string, readonly number[], GeneratedText, GeneratedText]): GeneratedText {
  const [text, cuts, extended, trailers] = given;
  const places = cuts.map((part) => Math.floor((part * text.length) / 10_000)).toSorted((a, b) => a - b);
  const chunks = [0, ...places].map((place, index) => text.slice(place, places[index]));
  const coded = chunks
    .filter((chunk) => chunk !== "")
    .flatMap((chunk, index) => [
      `${chunk.length.toString(16)}${index === 1 ? extended.pieces.join("") : ""}\r\n`,
      chunk,
      "\r\n",
    ]);
  const size = cuts.length === 3 ? `0${extended.pieces.join("")}\r\n` : "0\r\n";
  return {
    pieces: ["Transfer-Encoding: chunked\r\n", "\r\n", ...coded, size, ...trailers.pieces, "\r\n"],
    isSound: extended.isSound && trailers.isSound,
  };
}
