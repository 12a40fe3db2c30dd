import { expect, test } from "vitest";
import { summarize } from "./measure/compare.js";
import { findOlderShape } from "./results.js";

const SIDE = { name: "floor", start: async () => undefined };
const SAMPLE = { cpu: 1, perSecond: 1, written: 1 };
const WINDOWS = { windows: [{ ours: SAMPLE, theirs: SAMPLE, others: 0 }], dropped: 0, disturbed: 0 };

const without = summarize({ name: "a", ours: SIDE, against: SIDE }, [WINDOWS]);
const plain = summarize({ name: "b", ours: SIDE, against: SIDE, goal: { of: "cpuRatio", met: 1 } }, [
  WINDOWS,
]);
const RECORD = { how: { launches: 3 }, compared: [without, plain], idleBytes: 1 };

test("A record of this bench is taken", () => {
  expect(findOlderShape(JSON.parse(JSON.stringify(RECORD)))).toBeUndefined();
});

test("A record of an older bench is refused, whatever it lacks", () => {
  const { windows: _windows, ...row } = plain;
  const older: readonly [string, object][] = [
    ["the goals of rows", { ...RECORD, compared: [without] }],
    ["the launches of each row", { ...RECORD, how: undefined }],
    ["the windows of each row", { ...RECORD, compared: [row] }],
    ["the memory of an idle service", { ...RECORD, idleBytes: undefined }],
  ];
  for (const [lacking, record] of older)
    expect(findOlderShape(JSON.parse(JSON.stringify(record)))).toBe(
      `bench/results.json is of an older bench: it lacks ${lacking}; record another one with npm run bench`,
    );
});
