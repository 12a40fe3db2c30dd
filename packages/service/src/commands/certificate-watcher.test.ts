import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { createChangeFilter } from "./certificate-watcher.ts";

const rejected = (problem: string) => err({ file: "c.pem", problem });
const unchanged = ok({ kind: "unchanged", expires: new Date(0) } as const);

test("a pair that does not match is reported once, if the next read finds it again", () => {
  const filter = createChangeFilter();
  expect([1, 2, 3, 4].map(() => filter(rejected("is not a key")))).toEqual([false, true, false, false]);
  expect([1, 2, 3].map(() => filter(rejected("is missing")))).toEqual([false, true, false]);
  expect(filter(unchanged)).toBe(false);
  expect([1, 2].map(() => filter(rejected("is missing")))).toEqual([false, true]);
});

test("a pair that is half replaced at one read and complete at the next is not reported", () => {
  const filter = createChangeFilter();
  const changed = ok({
    kind: "changed",
    certificate: { cert: "", key: "", expires: new Date(0) },
  } as const);
  expect([rejected("is not a key"), changed, unchanged].map(filter)).toEqual([false, true, false]);
});
