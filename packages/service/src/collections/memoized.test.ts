import { expect, test } from "vitest";
import { memoized } from "./memoized.ts";

function counting(): { readonly calls: string[]; readonly lengthOf: (text: string) => { length: number } } {
  const calls: string[] = [];
  const lengthOf = memoized((text: string) => {
    calls.push(text);
    return { length: text.length };
  });
  return { calls, lengthOf };
}

test("the result for a repeated text is not computed again", () => {
  const { calls, lengthOf } = counting();
  expect([lengthOf("accept"), lengthOf("te"), lengthOf("accept")]).toEqual([
    { length: 6 },
    { length: 2 },
    { length: 6 },
  ]);
  expect(calls).toEqual(["accept", "te"]);
});

test("the result for a long text is computed each time, so that no client's names fill the memory", () => {
  const { calls, lengthOf } = counting();
  const long = "x".repeat(65);
  for (let i = 0; i < 3; i += 1) expect(lengthOf(long)).toEqual({ length: 65 });
  expect(calls).toHaveLength(3);
});

test("of a hundred thousand names, no more than the limit are remembered at a time", () => {
  const { calls, lengthOf } = counting();
  for (let i = 0; i < 100_000; i += 1) lengthOf(`x-${i}`);
  const before = calls.length;
  for (let i = 0; i < 100_000; i += 1) lengthOf(`x-${i}`);
  expect(calls.length - before).toBeGreaterThanOrEqual(100_000 - 1_024);
});
