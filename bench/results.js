// The record of the last whole run, in this folder.
import { readFile, writeFile } from "node:fs/promises";

/** @typedef {import("./measure/compare.js").Compared} Compared */
/** @typedef {Awaited<ReturnType<typeof import("./measure/latency.js").latency>>} Latency */

/**
 * @typedef {object} Results
 * @property {string} node
 * @property {string} cpu
 * @property {number} pairs
 * @property {number} seconds of a stretch
 * @property {number} connections
 * @property {string} loader
 * @property {string[]} rivals
 * @property {Compared[]} compared
 * @property {{ rate: number, rows: Latency[] }} latencies
 * @property {{ name: string, ratio: number, perSecond: number, grownBytes: number }[]} transfers
 * @property {{ count: number } & Awaited<ReturnType<typeof import("./scale.js").measureScale>>} scale
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
