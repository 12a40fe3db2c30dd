import { isNoisy, quartiles } from "../measure/statistics.js";

/** @typedef {import("../measure/statistics.js").Quartiles} Quartiles */

/**
 * One thing that was measured several times, with both engines in turn where it exists for both.
 *
 * @typedef {object} Figure
 * @property {string} what
 * @property {string} unit
 * @property {readonly number[]} [lmdb]
 * @property {readonly number[]} postgres
 * @property {Goal} [goal]
 */

/**
 * What may be at most so much: the median of the pairs' ratios, the median over PostgreSQL, or the largest over PostgreSQL.
 *
 * @typedef {{ of: "ratio" | "median" | "largest", atMost: number }} Goal
 */

/** @typedef {ReturnType<typeof evaluate>} Evaluated */

/** @param {Figure} figure */
export function evaluate({ what, unit, lmdb, postgres, goal }) {
  const value = quartiles(postgres);
  const ratio = lmdb && quartiles(postgres.map((one, pair) => one / (lmdb[pair] ?? Number.NaN)));
  const compared = {
    ratio: ratio?.median ?? Number.NaN,
    median: value.median,
    largest: Math.max(...postgres),
  };
  return {
    what,
    unit,
    ...(lmdb && { lmdb: quartiles(lmdb) }),
    postgres: value,
    ...(ratio && { ratio }),
    ...(goal && { goal, isHeld: compared[goal.of] <= goal.atMost }),
    ...(postgres.length > 1 && { isNoisy: isNoisy(ratio ?? value) }),
  };
}

/**
 * A row of the table that is printed.
 *
 * @param {Evaluated} evaluated
 */
export function toRow({ what, unit, lmdb, postgres, ratio, goal, isHeld, isNoisy }) {
  return {
    what,
    unit,
    LMDB: withQuartiles(lmdb),
    PostgreSQL: withQuartiles(postgres),
    ratio: withQuartiles(ratio),
    goal: goal === undefined ? "" : `${goal.of} ≤ ${goal.atMost}`,
    result: isHeld === undefined ? "" : isHeld ? "held" : "over",
    machine: isNoisy === undefined ? "" : isNoisy ? "too noisy" : "quiet",
  };
}

/** @param {Quartiles | undefined} quartiles */
function withQuartiles(quartiles) {
  if (quartiles === undefined) return "";
  const { lower, median, upper } = quartiles;
  const text = short(median);
  return lower === upper ? text : `${text} (${short(lower)}–${short(upper)})`;
}

/** @param {number} value */
function short(value) {
  if (!Number.isFinite(value)) return "–";
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}
