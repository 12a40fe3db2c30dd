/** Buckets of a decade. Neighboring bounds differ by at most 10 %, so that a quantile that is read from them does too. */
const BOUNDS_PER_DECADE = 25;

/** Digits of a bound: with fewer, some buckets would be wider than 10 %. */
const BOUND_DIGITS = 4;

/** The upper bounds of buckets, from `10 ** from` to `10 ** to`. */
export function exponentialBounds(from: number, to: number): Float64Array {
  const count = (to - from) * BOUNDS_PER_DECADE + 1;
  return Float64Array.from({ length: count }, (_, i) =>
    Number((10 ** (from + i / BOUNDS_PER_DECADE)).toPrecision(BOUND_DIGITS)),
  );
}

/** Counts values by their size. To observe one costs a few comparisons and allocates nothing. */
export class Histogram {
  /** Upper bounds, ascending; a value that is equal to one is in its bucket. */
  readonly bounds: Float64Array;
  /** How many values are in each bucket; the last one has those over all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: Float64Array) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    counts[low] = (counts[low] ?? 0) + 1;
    this.sum += value;
  }
}
