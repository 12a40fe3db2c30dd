import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds } from "../measure/process.js";
import { withNodes } from "./nodes.js";

/** @typedef {import("./figure.js").Figure} Figure */

const NODES = 10;
const SECONDS = 10;
/** After which a process that has started, or that others have left, does nothing more. */
const SETTLE_MS = 3_000;

/**
 * Measures what a node costs that serves no client: its own CPU time, and what the server takes for it.
 *
 * @param {import("./world.js").World} world
 * @returns {Promise<Figure[]>}
 */
export async function measureIdle({ lmdb, postgres, server }) {
  const [serverOfAll = Number.NaN, overLmdb = Number.NaN, ...nodes] = await withNodes(
    postgres,
    NODES - 1,
    (others) => cpuWhileIdle([server, lmdb.service, ...others]),
  );
  const [serverOfOne = Number.NaN] = await cpuWhileIdle([server]);
  return [
    { what: "idle node: CPU of the node", unit: "ms/s", lmdb: nodes.map(() => overLmdb), postgres: nodes },
    {
      what: "idle node: CPU of the server",
      unit: "ms/s",
      postgres: [(serverOfAll - serverOfOne) / nodes.length],
    },
  ];
}

/**
 * @param {readonly { pid: number }[]} programs
 * @returns {Promise<number[]>} milliseconds of CPU time a second, of each
 */
async function cpuWhileIdle(programs) {
  const read = () => programs.map(({ pid }) => cpuSeconds(pid));
  await sleep(SETTLE_MS);
  const from = performance.now();
  const before = read();
  await sleep(SECONDS * 1_000);
  const after = read();
  const seconds = (performance.now() - from) / 1_000;
  return after.map((cpu, index) => ((cpu - (before[index] ?? Number.NaN)) * 1_000) / seconds);
}
