/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/** @typedef {{ lower: number, median: number, upper: number }} Quartiles */

/**
 * @param {readonly number[]} values
 * @returns {Quartiles}
 */
export function quartiles(values) {
  return { lower: quantile(values, 0.25), median: quantile(values, 0.5), upper: quantile(values, 0.75) };
}

/** If the quartiles of a number differ by more than this fraction of it, the machine was too noisy to tell. */
const NOISE = 0.15;

/** @param {Quartiles} quartiles */
export function isNoisy({ lower, median, upper }) {
  return (upper - lower) / median > NOISE;
}

/**
 * Interpolates linearly between the two nearest ranks.
 *
 * @param {readonly number[]} values
 * @param {number} at from 0 to 1
 */
export function quantile(values, at) {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (sorted.length - 1) * at;
  const lower = sorted[Math.floor(rank)] ?? Number.NaN;
  const upper = sorted[Math.ceil(rank)] ?? Number.NaN;
  return lower + (upper - lower) * (rank - Math.floor(rank));
}
