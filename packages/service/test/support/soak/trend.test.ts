import { expect, test } from "vitest";
import type { Sample } from "./trend.ts";
import { trendOf } from "./trend.ts";

const SECONDS = 600;

/** Memory that is collected every 20 seconds, of which a part is left each time. */
function memory(leftEachSecond: number): readonly Sample[] {
  return Array.from({ length: SECONDS }, (_, at) => ({
    at,
    value: 1_000 + (at % 20) * 50 + at * leftEachSecond,
  }));
}

test("memory that is collected again and again has no trend, wherever the samples end", () => {
  for (const end of [SECONDS, SECONDS - 7, SECONDS - 13]) {
    expect(Math.abs(trendOf(memory(0).slice(0, end)).growth)).toBeLessThan(10);
  }
});

test("what is left after each collection is the trend", () => {
  const { perMinute, growth, first, last } = trendOf(memory(2));
  expect(perMinute).toBeCloseTo(120, -1);
  expect(growth).toBeGreaterThan(1_100);
  expect(last - first).toBeGreaterThan(1_000);
});

test("a part of the time without a sample is an error", () => {
  expect(() => trendOf(memory(0).filter(({ at }) => at < 100 || at > 300))).toThrow("no sample from");
});
