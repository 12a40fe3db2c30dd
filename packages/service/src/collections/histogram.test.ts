import fc from "fast-check";
import { expect, test } from "vitest";
import { exponentialBounds, Histogram } from "./histogram.ts";

const BOUNDS = exponentialBounds(-5, 1);
const LEAST = BOUNDS[0]!;
const MOST = BOUNDS.at(-1)!;

/** Reads a quantile as Prometheus does (`histogram_quantile`): linearly within the bucket of its rank. */
function histogramQuantile(q: number, { bounds, counts }: Histogram): number {
  const rank = q * counts.reduce((sum, count) => sum + count);
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i]!;
    if (below + count >= rank) {
      const lower = i === 0 ? 0 : bounds[i - 1]!;
      return lower + (bound - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return MOST;
}

/** The value at the rank, of all values. */
function exactQuantile(q: number, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

test("a decade begins and ends with its own bounds, and no bucket is wider than 10 %", () => {
  expect(LEAST).toBe(0.00001);
  expect(MOST).toBe(10);
  for (const [i, bound] of BOUNDS.entries()) {
    const ratio = i === 0 ? 1 : bound / BOUNDS[i - 1]!;
    expect(ratio).toBeLessThanOrEqual(1.1 + Number.EPSILON);
  }
});

test("a value is counted in the first bucket whose bound it does not exceed, or over all of them", () => {
  const value = fc.double({ min: 0, max: 2 * MOST, noNaN: true });
  const bound = fc.constantFrom(...BOUNDS);
  fc.assert(
    fc.property(fc.oneof(value, bound), (observed) => {
      const histogram = new Histogram(BOUNDS);
      histogram.observe(observed);
      const expected = BOUNDS.findIndex((each) => observed <= each);
      const at = histogram.counts.indexOf(1);
      expect(at).toBe(expected === -1 ? BOUNDS.length : expected);
      expect(histogram.sum).toBe(observed);
    }),
  );
});

test("every quantile that Prometheus reads from the buckets is within 10 % of the exact one, whatever the values are", () => {
  // By their logarithm: a few large ones among many small ones, equal ones, spread over all buckets.
  const value = fc
    .double({ min: Math.log(LEAST) + 0.1, max: Math.log(MOST), noNaN: true })
    .map((log) => Math.exp(log));
  const many = fc.array(fc.tuple(value, fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(many, fc.constantFrom(0.5, 0.9, 0.99, 0.999), (groups, q) => {
      const histogram = new Histogram(BOUNDS);
      const values = groups.flatMap(([each, times]) => Array.from({ length: times }, () => each));
      for (const each of values) histogram.observe(each);
      const exact = exactQuantile(q, values);
      expect(Math.abs(histogramQuantile(q, histogram) / exact - 1)).toBeLessThanOrEqual(0.1 + 1e-9);
    }),
  );
});
