import { labelOf } from "./label.js";

/** @typedef {import("../measure/compare.js").Compared} Compared */
/** @typedef {import("../measure/statistics.js").Quartiles} Quartiles */

/**
 * A goal, and what was measured. It is undecided if the row was noisy and its quartiles lie on both sides of the goal, and if others
 * disturbed too many of its windows.
 *
 * @typedef {object} GoalResult
 * @property {string} what
 * @property {string} goal
 * @property {string} stretch
 * @property {string} measured
 * @property {"stretch met" | "met" | "not met" | "too noisy to say" | "not measured here"} result
 */

const MIB = 1024 * 1024;

/**
 * The anonymous memory of an idle service before it had its own data plane, in MiB: the median of starts, as now (`npm run bench -- idle` in a
 * checkout from before the client for targets).
 */
const IDLE_MIB_BEFORE = 45.5;

/** If others disturbed more than this share of a row's windows, it decides nothing. */
const MAX_DISTURBED = 0.25;

const UNITS = { cpuRatio: "CPU", throughputRatio: "throughput" };

/** What other commands measure, against a build from before or against Node.js itself. */
export const GOALS_ELSEWHERE = [
  elsewhere({ what: "cold open, CPU ÷ the older code", goal: "≤ 1 / 1.6", by: "bench/cold-opens.js" }),
  elsewhere({ what: "64 deep, cold open, CPU ÷ the older code", goal: "≤ 1 / 3", by: "bench/cold-opens.js" }),
  elsewhere({
    what: "export with 16 clients, throughput ÷ the older code",
    goal: "≥ 1.5",
    stretch: "≥ 2",
    by: "bench/exports.js",
  }),
  elsewhere({
    what: "capi --version, CPU ÷ node -e 0",
    goal: "≤ 2.5",
    stretch: "≤ 2",
    by: "npm run bench:starts",
  }),
  elsewhere({ what: "memory of a verdict", goal: "≤ 4 KiB", by: "bench/verdict-memory.js" }),
];

/**
 * Checks the project's goals by the measured numbers.
 *
 * @param {import("../results.js").Results} results
 * @returns {GoalResult[]}
 */
export function checkGoals({ compared, scale, transfers, idleBytes }) {
  return [
    ...compared.flatMap(checkRow),
    ...(idleBytes === undefined ? [] : [checkIdleMemory(idleBytes)]),
    ...(transfers ?? []).flatMap(checkTransfer),
    ...(scale === undefined ? [] : checkScale(scale)),
  ];
}

/**
 * @param {Compared} row
 * @returns {GoalResult[]}
 */
function checkRow(row) {
  const { goal } = row;
  if (goal === undefined) return [];
  const sign = goal.of === "cpuRatio" ? "≤" : "≥";
  const measured = row[goal.of];
  return [
    {
      what: `${labelOf(row)}, ${UNITS[goal.of]}`,
      goal: `${sign} ${round(goal.met)}`,
      stretch: goal.stretch === undefined ? "" : `${sign} ${round(goal.stretch)}`,
      measured: round(measured.median),
      result: decide(measured, goal, row),
    },
  ];
}

/**
 * @param {Quartiles} measured
 * @param {import("../measure/compare.js").Goal} goal
 * @param {Pick<Compared, "noisy" | "windows" | "disturbed">} row
 * @returns {GoalResult["result"]}
 */
export function decide({ lower, median, upper }, { of, met, stretch }, { noisy, windows, disturbed }) {
  /** @param {number} limit @param {number} value */
  const reaches = (limit, value) => (of === "cpuRatio" ? value <= limit : value >= limit);
  /** @param {number} limit */
  const isUndecided = (limit) => noisy && reaches(limit, lower) !== reaches(limit, upper);
  if (isUndecided(met) || disturbed > windows * MAX_DISTURBED) return "too noisy to say";
  if (!reaches(met, median)) return "not met";
  if (stretch === undefined || isUndecided(stretch) || !reaches(stretch, median)) return "met";
  return "stretch met";
}

/**
 * @param {number} idleBytes
 * @returns {GoalResult}
 */
function checkIdleMemory(idleBytes) {
  return atMost("anonymous memory of an idle service", idleBytes / MIB, IDLE_MIB_BEFORE, "MiB");
}

/**
 * @param {import("../results.js").Transfers[number]} transfer
 * @returns {GoalResult[]}
 */
function checkTransfer({ name, ratio, grownBytes }) {
  return [
    {
      what: `${name}, throughput ÷ floor`,
      goal: "≥ 0.9",
      stretch: "",
      measured: round(ratio),
      result: ratio >= 0.9 ? "met" : "not met",
    },
    atMost(`${name}, anonymous memory grows`, grownBytes / MIB, 32, "MiB"),
  ];
}

/**
 * @param {NonNullable<import("../results.js").Results["scale"]>} scale
 * @returns {GoalResult[]}
 */
function checkScale({ count, startMs, anonymousBytes, revokeOneMs, revokeAllMs, ...scale }) {
  const { queryMs, queryFewMs, p99SweepingMs, p99BeforeMs } = scale;
  return [
    atMost(`ready with ${count} stored`, startMs, 1_000, "ms"),
    atMost(`anonymous memory with ${count} stored, after uniform access`, anonymousBytes / 1e6, 250, "MB"),
    atMost(`query of all membranes with ${count} stored, time ÷ 1000 stored`, queryMs / queryFewMs, 1.5),
    atMost(`revoke with ${count} descendants, time ÷ a revoke with one`, revokeAllMs / revokeOneMs, 2),
    atMost("p99 of others while the sweep runs, ÷ before", p99SweepingMs / p99BeforeMs, 2),
  ];
}

/**
 * @param {string} what
 * @param {number} value
 * @param {number} most
 * @param {string} [unit]
 * @returns {GoalResult}
 */
function atMost(what, value, most, unit = "") {
  return {
    what,
    goal: `≤ ${round(most)} ${unit}`.trim(),
    stretch: "",
    measured: `${round(value)} ${unit}`.trim(),
    result: value <= most ? "met" : "not met",
  };
}

/**
 * @param {{ what: string, goal: string, stretch?: string, by?: string }} goal
 * @returns {GoalResult}
 */
function elsewhere({ what, goal, stretch = "", by }) {
  return {
    what,
    goal,
    stretch,
    measured: by === undefined ? "" : `by ${by}`,
    result: "not measured here",
  };
}

/** @param {number} value */
function round(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(2)));
}
