import fc from "fast-check";
import type { Ending, Script } from "./fuzz-script.ts";
import { MARK, printable } from "./fuzz-script.ts";

/** A text by the grammar of one side. Mutations change its pieces, such as header lines. */
export interface GeneratedText {
  readonly pieces: readonly string[];
  readonly isSound: boolean;
}

/** Sequences that are difficult for parsers of both sides. */
const SPECIAL_SEQUENCES = [
  ..."\r\n\0\t ;:,\x0b\x7f\xff\xa0",
  "\r\n",
  "\r\r",
  "\r\n\r\n",
  "\r\n\r",
  "\n\n",
  "\x0c",
  "\x85",
  "0_8\r\n",
  "8 \r\n",
  '8;a="b\r\n',
  "8\r\r;a\r\n",
  "0\rX\r\n",
  "Connection: close\t\r\n",
  "Transfer-Encoding: chunked\t\r\n",
  "Content-Length: 010\r\n",
  ": \r\n",
  "X\r\n",
  "0\r\n\r\n",
  "0\r\n",
  "00000000000000000000\r\n",
  "-1\r\n",
  "0x8\r\n",
  "8;a=b\r\n",
  "ffffffffffffffff\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 8\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive, X-Mark\r\n",
  "Trailer: Content-Length\r\n",
  "Upgrade: h2c\r\n",
  " folded\r\n",
  `X: ${"x".repeat(20_000)}\r\n`,
  MARK,
];

/** A mutation. Positions are fractions of the length, in parts of 10,000. */
interface Mutation {
  readonly kind: "drop" | "double" | "cut here" | "swap" | "flip" | "insert";
  readonly piece: number;
  /** A byte of the piece to change, in place of the whole piece. */
  readonly byte: number | undefined;
  /** The piece to swap it with. */
  readonly other: number;
  readonly bit: number;
  /** The text to insert. */
  readonly block: string;
}

function arbitraryMutation(blocks: readonly string[]): fc.Arbitrary<Mutation> {
  const place = fc.nat(9_999);
  return fc.record({
    kind: fc.constantFrom("drop", "double", "cut here", "swap", "flip", "insert"),
    piece: place,
    byte: fc.option(place, { nil: undefined }),
    other: place,
    bit: fc.nat(7),
    block: fc.constantFrom(...SPECIAL_SEQUENCES, ...blocks),
  });
}

function placeIn({ length }: { readonly length: number }, part: number): number {
  return Math.floor((part * length) / 10_000);
}

function mutate(pieces: readonly string[], mutation: Mutation): readonly string[] {
  const { kind, byte, other, bit, block } = mutation;
  const place = placeIn(pieces, mutation.piece);
  const piece = pieces[place];
  if (piece === undefined) return pieces;
  const from = byte === undefined ? 0 : placeIn(piece, byte);
  const there = byte === undefined ? piece : piece.slice(from, from + 1);
  const parts = pieces.toSpliced(place, 1, piece.slice(0, from), there, piece.slice(from + there.length));
  const at = place + 1;
  switch (kind) {
    case "drop":
      return parts.toSpliced(at, 1);
    case "double":
      return parts.toSpliced(at, 0, there);
    case "cut here":
      return parts.slice(0, at);
    case "swap": {
      const counterpart = placeIn(parts, other);
      return parts.with(at, parts[counterpart] ?? "").with(counterpart, there);
    }
    case "flip":
      return parts.with(at, String.fromCharCode((there.charCodeAt(0) || 0) ^ (1 << bit)) + there.slice(1));
    case "insert":
      return parts.toSpliced(at, 0, block);
  }
}

const someBytes = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes): GeneratedText => ({ pieces: [Buffer.from(bytes).toString("latin1")], isSound: false }));

/**
 * Generates scripts by a grammar, most of them mutated, and a few of random bytes.
 *
 * @param blocks sequences that are difficult for this side's parser, in addition to those for both.
 */
export function arbitraryScript(
  grammar: fc.Arbitrary<GeneratedText>,
  blocks: readonly string[],
): fc.Arbitrary<Script> {
  const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(arbitraryMutation(blocks), { maxLength: 4 });
  return fc
    .record({
      written: fc.oneof({ arbitrary: grammar, weight: 15 }, { arbitrary: someBytes, weight: 1 }),
      mutations: fc.oneof(
        { arbitrary: fc.constant<readonly Mutation[]>([]), weight: 1 },
        { arbitrary: mutations, weight: 3 },
      ),
      cuts: fc.oneof(
        { arbitrary: fc.array(fc.nat(9_999), { maxLength: 4 }), weight: 7 },
        { arbitrary: fc.constantFrom("every byte" as const, "after every CR" as const), weight: 2 },
      ),
      ending: fc.constantFrom<Ending>("none", "none", "fin", "fin", "reset"),
    })
    .map(({ written, mutations, cuts, ending }) => ({
      bytes: mutations.reduce<readonly string[]>(mutate, written.pieces).join(""),
      isSound: written.isSound && mutations.length === 0,
      cuts,
      ending,
      [fc.toStringMethod]() {
        return `{bytes: ${printable(this.bytes)}, cuts: ${JSON.stringify(cuts)}, ending: "${ending}", isSound: ${this.isSound}}`;
      },
    }));
}
