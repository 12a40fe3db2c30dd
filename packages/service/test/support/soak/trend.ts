/** A quantity at a time, in seconds. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

export interface Trend {
  /** How much it grows in a minute. */
  readonly perMinute: number;
  /** How much the line through it grows from the first sample to the last. */
  readonly growth: number;
  readonly first: number;
  readonly last: number;
}

/** In how many parts of the time the least value is taken. */
const PARTS = 12;

/**
 * Fits a line (least squares) through the least value of each twelfth of the time: a garbage collector lets memory grow until it
 * collects, so that what is left after a collection shows a leak.
 *
 * @throws Error if a part of the time has no sample.
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const [begin, end] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const length = (end - begin) / PARTS;
  const points = Array.from({ length: PARTS }, (_, part): Sample => {
    const from = begin + part * length;
    const values = samples.filter(({ at }) => at >= from && at <= from + length).map(({ value }) => value);
    if (values.length === 0) throw new Error(`no sample from ${from} s to ${from + length} s`);
    return { at: from + length / 2, value: Math.min(...values) };
  });
  const slope = slopeOf(points);
  return {
    perMinute: slope * 60,
    growth: slope * (end - begin),
    first: points[0]!.value,
    last: points.at(-1)!.value,
  };
}

function slopeOf(points: readonly Sample[]): number {
  const mean = (of: (point: Sample) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [at, value] = [mean((point) => point.at), mean((point) => point.value)];
  const covariance = mean((point) => (point.at - at) * (point.value - value));
  return covariance / mean((point) => (point.at - at) ** 2);
}
