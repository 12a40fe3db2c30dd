// The record of the last whole run, in this folder.
import { readFile, writeFile } from "node:fs/promises";

/** @typedef {import("./measure/compare.js").Compared} Compared */
/** @typedef {Awaited<ReturnType<typeof import("./measure/latency.js").latency>>} Latency */
/** @typedef {Awaited<ReturnType<typeof import("./measure/transfer.js").compareTransfers>>} Transfers */

/**
 * @typedef {object} Results
 * @property {string} node
 * @property {string} cpu
 * @property {import("./measure/compare.js").How} how
 * @property {Compared[]} compared
 * @property {string[]} unavailable rows whose rival is not installed
 * @property {{ rate: number, rows: Latency[] }} [latencies]
 * @property {Transfers} [transfers]
 * @property {number} [idleBytes] anonymous memory of a service that serves nothing
 * @property {{ count: number } & Awaited<ReturnType<typeof import("./scale.js").measureScale>>} [scale]
 */

const FILE = new URL("results.json", import.meta.url);

/**
 * Reads the record.
 *
 * @returns {Promise<Results>}
 * @throws {Error} if it is of an older bench.
 */
export async function readResults() {
  const results = JSON.parse(await readFile(FILE, "utf8"));
  const problem = findOlderShape(results);
  if (problem !== undefined) throw new Error(problem);
  return results;
}

/**
 * Says why a record is not one of this bench: what an older one measured is not comparable, and a regression could seem to be "as recorded".
 *
 * @param {Partial<Results>} results
 * @returns {string | undefined} the problem
 */
export function findOlderShape(results) {
  const { how, compared = [], idleBytes } = results;
  const missing = [
    ...(how?.launches === undefined ? ["the launches of each row"] : []),
    ...(compared.some(({ goal }) => goal !== undefined) ? [] : ["the goals of rows"]),
    ...(compared.every(({ windows, disturbed }) => windows >= disturbed) ? [] : ["the windows of each row"]),
    ...(idleBytes === undefined ? ["the memory of an idle service"] : []),
  ];
  if (missing.length === 0) return undefined;
  return `bench/results.json is of an older bench: it lacks ${missing.join(", ")}; record another one with npm run bench`;
}

/** @param {Results} results */
export async function writeResults(results) {
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`);
}
