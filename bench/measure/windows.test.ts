import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { between, quietest } from "./windows.js";

const AT_FIRST = {
  at: 1_000,
  ours: { cpu: 1, written: 0, completed: 100 },
  theirs: { cpu: 2, written: 0, completed: 200 },
  bench: 5,
  machine: 50,
};

test("A window has the processor time of each side by the requests of that side", () => {
  const window = between(AT_FIRST, {
    at: 3_000,
    ours: { cpu: 1.5, written: 0, completed: 10_100 },
    theirs: { cpu: 2.5, written: 0, completed: 5_200 },
    bench: 6,
    machine: 51,
  });

  expect(window.ours.cpu).toBeCloseTo(50);
  expect(window.theirs.cpu).toBeCloseTo(100);
  expect(window.ours.perSecond).toBe(5_000);
  expect(window.theirs.perSecond).toBe(2_500);
  expect(window.others).toBe(0);
});

test("Others are what the machine worked and the bench did not, as a share of all processors", () => {
  const { others } = between(AT_FIRST, {
    ...AT_FIRST,
    at: 2_000,
    ours: { cpu: 1.5, written: 0, completed: 101 },
    theirs: { cpu: 2.5, written: 0, completed: 201 },
    bench: 6,
    machine: 51.5,
  });

  expect(others).toBeCloseTo(0.5 / availableParallelism());
});

test("The windows in which others did the least are taken, and the rest is counted", () => {
  const sample = { cpu: 1, perSecond: 1, written: 1 };
  const windows = [0.5, 0, 0.2, 0.01].map((others) => ({ ours: sample, theirs: sample, others }));

  const two = quietest(windows, 2);
  expect(two.windows.map(({ others }) => others)).toEqual([0, 0.01]);
  expect(two).toMatchObject({ dropped: 2, disturbed: 0 });
  expect(quietest(windows, 3)).toMatchObject({ dropped: 1, disturbed: 1 });
});
