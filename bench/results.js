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

/** @returns {Promise<Results>} */
export async function readResults() {
  return JSON.parse(await readFile(FILE, "utf8"));
}

/** @param {Results} results */
export async function writeResults(results) {
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`);
}
