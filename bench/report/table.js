import { GOALS_ELSEWHERE, checkGoals } from "./goals.js";

/** @typedef {import("../measure/compare.js").Compared} Compared */
/** @typedef {import("../results.js").Results} Results */

/** @param {Results} results */
export function printAll(results) {
  const { compared, how, unavailable, latencies } = results;
  const { launches, windows, seconds, connections } = how;
  console.log(
    `Both sides loaded in the same ${launches} × ${windows} windows of ${seconds} s, each by ${connections} connections`,
  );
  printRows(compared.filter(({ isRival }) => !isRival));
  if (compared.some(({ isRival }) => isRival)) {
    console.log("The service and its rivals");
    printRows(compared.filter(({ isRival }) => isRival));
  }
  for (const name of unavailable) console.log(`${name}: not available`);
  if (latencies !== undefined) {
    console.log(`Latency at ${latencies.rate} requests a second, in milliseconds`);
    console.table(latencies.rows);
  }
  console.log("Goals");
  console.table([...checkGoals(results), ...GOALS_ELSEWHERE]);
}

/** @param {readonly Compared[]} rows */
function printRows(rows) {
  console.table(
    rows.map((row) => ({
      what: row.name,
      against: row.against,
      "CPU ratio": withQuartiles(row.cpuRatio),
      "req/s ratio": withQuartiles(row.throughputRatio),
      "CPU µs": row.cpuMicroseconds.toFixed(1),
      "its CPU µs": row.againstCpuMicroseconds.toFixed(1),
      "req/s": row.perSecond.toFixed(0),
      machine: machineOf(row),
    })),
  );
}

/** @param {Compared} row */
function machineOf({ windows, dropped, disturbed, noisy }) {
  if (disturbed > 0) return `too noisy: others disturbed ${disturbed} of ${windows} windows`;
  const kept = dropped === 0 ? "" : `, ${dropped} disturbed windows dropped`;
  return `${noisy ? "too noisy: the quartiles are far apart" : "quiet"}${kept}`;
}

/** @param {import("../measure/statistics.js").Quartiles} quartiles */
export function withQuartiles({ median, lower, upper }) {
  return `${median.toFixed(2)} (${lower.toFixed(2)}–${upper.toFixed(2)})`;
}
