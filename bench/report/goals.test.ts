import { expect, test } from "vitest";
import { decide } from "./goals.js";

const CPU = { of: "cpuRatio", met: 0.9, stretch: 0.7 } as const;
const THROUGHPUT = { of: "throughputRatio", met: 1.3, stretch: 1.6 } as const;

const QUIET = { noisy: false, windows: 12, disturbed: 0 };
const NOISY = { ...QUIET, noisy: true };

const at = (median: number, lower = median, upper = median) => ({ lower, median, upper });

test("A goal of processor time is an upper limit, one of throughput a lower one", () => {
  expect([0.95, 0.9, 0.7].map((ratio) => decide(at(ratio), CPU, QUIET))).toEqual([
    "not met",
    "met",
    "stretch met",
  ]);
  expect([1.2, 1.3, 1.6].map((ratio) => decide(at(ratio), THROUGHPUT, QUIET))).toEqual([
    "not met",
    "met",
    "stretch met",
  ]);
  expect(decide(at(0.1), { of: "cpuRatio", met: 0.9 }, QUIET)).toBe("met");
});

test("A noisy row decides nothing while its quartiles lie on both sides of the goal", () => {
  expect(decide(at(0.85, 0.8, 0.95), CPU, NOISY)).toBe("too noisy to say");
  expect(decide(at(0.85, 0.8, 0.95), CPU, QUIET)).toBe("met");
  expect(decide(at(0.75, 0.6, 0.85), CPU, NOISY)).toBe("met");
  expect(decide(at(0.65, 0.6, 0.75), CPU, NOISY)).toBe("met");
  expect(decide(at(0.95, 0.92, 1.2), CPU, NOISY)).toBe("not met");
});

test("A row of which others disturbed more than a quarter of the windows decides nothing, even if its quartiles agree", () => {
  expect(decide(at(0.5), CPU, { ...NOISY, disturbed: 3 })).toBe("stretch met");
  expect(decide(at(0.5), CPU, { ...NOISY, disturbed: 4 })).toBe("too noisy to say");
});
