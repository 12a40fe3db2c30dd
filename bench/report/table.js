import { loadavg } from "node:os";

/** @typedef {import("../measure/compare.js").Compared} Compared */

/**
 * @param {import("../results.js").Results} results
 * @param {readonly import("./goals.js").GoalResult[]} goals
 */
export function printAll(results, goals) {
  printComparison(results.compared, results);
  printLatencies(results.latencies);
  console.log("Goals");
  console.table(goals.map(({ met, ...rest }) => ({ ...rest, met: met ? "yes" : "no" })));
}

/** @param {import("../results.js").Results["latencies"]} latencies */
export function printLatencies({ rate, rows }) {
  console.log(`Latency at ${rate} requests a second, in milliseconds, corrected for coordinated omission`);
  console.table(rows);
}

/**
 * @param {readonly Compared[]} rows
 * @param {{ pairs: number, seconds: number, connections: number, loader: string }} how
 */
export function printComparison(rows, { pairs, seconds, connections, loader }) {
  const load = loadavg()[0]?.toFixed(2);
  console.log(
    `${pairs} interleaved pairs of ${seconds} s, ${connections} connections, ${loader}, load average ${load}`,
  );
  console.table(
    rows.map((row) => ({
      what: row.name,
      against: row.against,
      "CPU ratio": withQuartiles(row.cpuRatio),
      "req/s ratio": withQuartiles(row.throughputRatio),
      "CPU µs": row.cpuMicroseconds.toFixed(1),
      "its CPU µs": row.againstCpuMicroseconds.toFixed(1),
      "req/s": row.perSecond.toFixed(0),
      machine: row.noisy ? "too noisy" : "quiet",
    })),
  );
}

/** @param {import("../measure/statistics.js").Quartiles} quartiles */
export function withQuartiles({ median, lower, upper }) {
  return `${median.toFixed(2)} (${lower.toFixed(2)}–${upper.toFixed(2)})`;
}
