import type { AwsChunkedFraming } from "capability-protocol/signers";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { KeptPart } from "./kept-part.ts";
import { AwsChunkedReader } from "./reader.ts";

/** Reads a whole body at once, with a regular expression for each line. */
function modelOf(framing: AwsChunkedFraming, body: string, part: KeptPart): string | undefined {
  const signature = framing.isSigned ? ";chunk-signature=[0-9a-f]{64}" : "";
  const size = new RegExp(`^([0-9A-Fa-f]{1,16})${signature}\\r\\n`);
  let [rest, content, chunks] = [body, "", ""];
  for (;;) {
    const digits = size.exec(rest);
    if (digits?.[1] === undefined) return undefined;
    rest = rest.slice(digits[0].length);
    chunks += `${digits[1]}\r\n`;
    const length = Number.parseInt(digits[1], 16);
    if (length === 0) break;
    if (content.length + length > framing.decodedLength) return undefined;
    if (rest.slice(length, length + 2) !== "\r\n") return undefined;
    content += rest.slice(0, length);
    chunks += rest.slice(0, length + 2);
    rest = rest.slice(length + 2);
  }
  if (content.length !== framing.decodedLength) return undefined;
  if (framing.trailerNames.length === 0) return rest === "\r\n" ? end() : undefined;
  if (!rest.endsWith("\r\n\r\n")) return undefined;
  const lines = rest.slice(0, -4).split("\r\n");
  if (framing.isSigned && !/^x-amz-trailer-signature:[0-9a-f]{64}$/.test(lines.pop() ?? "")) return undefined;
  const names = lines.map((line) => /^([^:]+):[ -~]*[!-~][ -~]*$/.exec(line)?.[1]?.toLowerCase());
  if (
    names.length !== framing.trailerNames.length ||
    framing.trailerNames.some((name) => !names.includes(name))
  )
    return undefined;
  chunks += lines.map((line) => `${line}\r\n`).join("");
  return end();

  function end(): string {
    return part === "content" ? content : `${chunks}\r\n`;
  }
}

function readIn(framing: AwsChunkedFraming, pieces: readonly Buffer[], part: KeptPart): string | undefined {
  const reader = new AwsChunkedReader(framing, part);
  let kept = "";
  for (const piece of pieces) {
    const read = reader.read(piece);
    if (!read.ok) return undefined;
    kept += read.value.toString("latin1");
  }
  const end = reader.end();
  return end.ok ? kept + end.value.toString("latin1") : undefined;
}

const NAMES = ["x-amz-checksum-crc32", "x-amz-checksum-sha256"];

const framings = fc.record({
  isSigned: fc.boolean(),
  trailerNames: fc.subarray(NAMES),
});

interface Sent {
  readonly framing: AwsChunkedFraming;
  readonly body: string;
}

/** A valid body of random chunks. */
const bodies: fc.Arbitrary<Sent> = fc
  .tuple(framings, fc.array(fc.stringMatching(/^[\r\n0-9a;]{1,20}$/), { maxLength: 6 }), fc.boolean())
  .map(([{ isSigned, trailerNames }, contents, isUpperCase]) => {
    const sign = isSigned ? `;chunk-signature=${"0a".repeat(32)}` : "";
    const sizeOf = (text: string): string => {
      const digits = text.length.toString(16);
      return isUpperCase ? digits.toUpperCase() : digits;
    };
    const chunks = contents.map((content) => `${sizeOf(content)}${sign}\r\n${content}\r\n`);
    const trailers = trailerNames.map((name) => `${name}:${"YWJj".repeat(2)}\r\n`);
    if (isSigned && trailers.length > 0) trailers.push(`x-amz-trailer-signature:${"0a".repeat(32)}\r\n`);
    const body = `${chunks.join("")}0${sign}\r\n${trailers.join("")}\r\n`;
    return { framing: { decodedLength: contents.join("").length, isSigned, trailerNames }, body };
  });

/** A change of a body: some characters at a place, in place of others. */
const breakages = fc.record({
  at: fc.nat(400),
  removed: fc.nat(3),
  added: fc.stringMatching(/^[\r\n0-9aA;:=x -]{0,3}$/),
});

function piecesOf(text: string, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(Buffer.from(text.slice(at, at + length), "latin1"));
    at += length;
  }
  return [...pieces, Buffer.from(text.slice(at), "latin1")];
}

test("any body, valid or broken, in any pieces, is read as the model reads it", () => {
  const lengths = fc.array(fc.nat(40), { maxLength: 30 });
  const changes = fc.array(breakages, { maxLength: 2 });
  const counts = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(bodies, changes, lengths, fc.integer({ min: -1, max: 1 }), (sent, broken, split, more) => {
      const decodedLength = Math.max(0, sent.framing.decodedLength + (broken.length === 1 ? more : 0));
      const framing = { ...sent.framing, decodedLength };
      const body = broken.reduce(
        (text, { at, removed, added }) => text.slice(0, at) + added + text.slice(at + removed),
        sent.body,
      );
      for (const part of ["content", "chunks"] as const) {
        const expected = modelOf(framing, body, part);
        counts[expected === undefined ? "refused" : "accepted"] += 1;
        expect(readIn(framing, piecesOf(body, split), part)).toBe(expected);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(counts.accepted).toBeGreaterThan(500);
  expect(counts.refused).toBeGreaterThan(500);
});
