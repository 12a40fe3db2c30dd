import { expect, test } from "vitest";
import type { AuditHead } from "../domain/audit-head.ts";
import { createServiceKeys } from "../store/keys.ts";
import { CHAIN_START, link } from "./chain.ts";
import { MAX_WRITERS } from "./head-keeper.ts";
import type { TrailProblem } from "./verify.ts";
import { createVerifier } from "./verify.ts";

/* What a trail says after a rotation of the service key, whose older key may have been stolen. */

const KEYS = createServiceKeys(Buffer.alloc(32, 7));
const START = 1_700_000_000_000;

/** Two writers under an older key and one under the newer, each with two lines. */
function writeOverRotation() {
  const [older, newer] = [createServiceKeys(Buffer.alloc(32, 8)), { ...KEYS, keyVersion: 2 }];
  const linesOf = (id: string, keys: typeof KEYS, startedAt: number) => {
    const writer = id.repeat(16);
    const fields = `{"started":"${new Date(startedAt).toISOString()}"}`;
    const first = link(CHAIN_START, writer, { event: "opened", time: startedAt, fields }, keys);
    const second = link(first.state, writer, { event: "x", time: startedAt + 1, fields: "{}" }, keys);
    const head: AuditHead = { writer, ...second.state, time: startedAt + 1, startedAt };
    return { head, lines: [first, second].map(({ line }) => line.subarray(0, -1)) };
  };
  return {
    older,
    newer,
    one: linesOf("0a", older, START),
    two: linesOf("0b", older, START + 10),
    recent: linesOf("0c", newer, START + 20),
    linesOf,
  };
}

function verifyUnder(
  keys: Parameters<typeof createVerifier>[0]["keys"],
  lines: readonly Buffer[],
  heads: readonly AuditHead[],
) {
  const problems: TrailProblem[] = [];
  const verifier = createVerifier({
    keys,
    heads: { heads, damaged: 0 },
    since: undefined,
    onProblem: (problem) => problems.push(problem),
  });
  for (const [index, bytes] of lines.entries()) verifier.line(bytes, { file: "f", line: index + 1 });
  const { unknownWriters, earlierWriters } = verifier.finish();
  return { problems, unknownWriters, earlierWriters };
}

test("a line under an older service key continues no lines under a newer one", () => {
  const { older, newer, recent } = writeOverRotation();
  const { writer, sequence, mac, time } = recent.head;
  const forged = link({ sequence, mac }, writer, { event: "x", time, fields: "{}" }, older);
  const lines = [...recent.lines, forged.line.subarray(0, -1)];
  expect(verifyUnder({ ...newer, older: [older] }, lines, []).problems).toEqual([
    { place: { file: "f", line: 3 }, what: `line 3 of the writer ${writer} is not what was written` },
  ]);
});

test("a writer under a key that was rotated away is a problem if the store does not know it, and one under the key in use a note", () => {
  const { older, newer, one, two, recent, linesOf } = writeOverRotation();
  const keys = { ...newer, older: [older] };
  const lines = [...one.lines, ...two.lines, ...recent.lines];
  const all = [one, two, recent].map(({ head }) => head);
  expect(verifyUnder(keys, lines, all)).toMatchObject({ problems: [], unknownWriters: 0 });
  expect(verifyUnder(keys, lines, [one.head, two.head])).toMatchObject({ problems: [], unknownWriters: 1 });
  // Whatever time the lines say: long before, as if at that time, or after the rotation.
  for (const time of [1, START + 5, START + 30]) {
    const invented = linesOf("0d", older, time);
    expect(verifyUnder(keys, [...lines, ...invented.lines], all), String(time)).toEqual({
      problems: [
        {
          place: { file: "f", line: 8 },
          what: `line 2 is the last one here of the writer ${"0d".repeat(16)}, which has version 1 of the service key, one that was rotated away, and which the store does not know: it ended before the store knew of it, or was invented with that key`,
        },
      ],
      unknownWriters: 0,
      earlierWriters: 0,
    });
  }
});

test("of the time before the writers that the store remembers, a writer that it does not know may have been forgotten", () => {
  const { older, newer, linesOf } = writeOverRotation();
  const keys = { ...newer, older: [older] };
  const heads = Array.from({ length: MAX_WRITERS }, (_, index): AuditHead => {
    const startedAt = START + 100 + index;
    const writer = index.toString(16).padStart(32, "0");
    return { writer, sequence: 2, mac: Buffer.alloc(32), time: startedAt, startedAt };
  });
  const [before, after] = [linesOf("0d", older, START), linesOf("0e", older, START + 100)];
  const of = ({ lines }: typeof before, known: readonly AuditHead[]) => {
    const { problems, unknownWriters } = verifyUnder(keys, lines, known);
    return [problems.some(({ what }) => what.includes("was invented")), unknownWriters];
  };
  expect(of(before, heads)).toEqual([false, 1]);
  expect(of(after, heads)).toEqual([true, 0]);
  // With one writer less the store has not forgotten any.
  expect(of(before, heads.slice(1))).toEqual([true, 0]);
});

test("lines of a key that was dropped are one problem, with their number, and so are those of keys that there never were", () => {
  const { newer, one, two, recent, linesOf } = writeOverRotation();
  const keys = { ...newer, older: [] };
  const lines = [...one.lines, ...two.lines, ...recent.lines];
  const heads = [one, two, recent].map(({ head }) => head);
  const dropped = {
    place: { file: "f", line: 1 },
    what: "is the first of 4 lines with version 1 of the service key, which was dropped, and without it none can be verified",
  };
  expect(verifyUnder(keys, lines, heads)).toEqual({
    problems: [dropped],
    unknownWriters: 0,
    earlierWriters: 2,
  });
  const never = [3, 4, 99].flatMap((keyVersion) => linesOf("0f", { ...KEYS, keyVersion }, START).lines);
  expect(verifyUnder(keys, [...lines, ...never], heads).problems).toEqual([
    dropped,
    {
      place: { file: "f", line: 7 },
      what: "is the first of 6 lines with a version of the service key that there never was (here 3)",
    },
  ]);
  expect(verifyUnder(keys, [one.lines[0]!, ...recent.lines], heads).problems).toMatchObject([
    { what: expect.stringContaining("is the only line with version 1 of the service key") },
  ]);
});
