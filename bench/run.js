// `npm run bench [-- WORD… --quick]`: compares the service with the floor and its rivals, in one run. bench/README.md describes each
// number. With words, it measures only the rows and parts whose names contain one of them, and records nothing; so does --quick, with
// short windows that say whether the bench works and no more.
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { chosenOf } from "./chosen.js";
import { endAll, endProgram } from "./gateways/start.js";
import { compare } from "./measure/compare.js";
import { measureIdleMemory } from "./measure/idle.js";
import { latency } from "./measure/latency.js";
import { compareTransfers } from "./measure/transfer.js";
import { chart } from "./report/chart.js";
import { printAll } from "./report/table.js";
import { writeResults } from "./results.js";
import { rowsOf } from "./rows.js";
import { makeScale, measureScale } from "./scale.js";
import { makeWorld } from "./world.js";

/** V8 optimizes hot code for the last time some seconds after it became hot. */
const WHOLE = {
  launches: 3,
  windows: 4,
  seconds: 1,
  warmSeconds: 3,
  stored: 1_000_000,
  latencySeconds: 5,
  transfers: 3,
};
const QUICK = {
  launches: 1,
  windows: 2,
  seconds: 0.25,
  warmSeconds: 0.5,
  stored: 10_000,
  latencySeconds: 1,
  transfers: 1,
};
const CONNECTIONS = 32;
/** A rate that the slowest gateway can sustain, in requests a second. */
const RATE = 2_000;

const words = process.argv.slice(2).filter((word) => word !== "--quick");
const isQuick = process.argv.includes("--quick");
const { stored, latencySeconds, transfers, ...lengths } = isQuick ? QUICK : WHOLE;
const how = { ...lengths, connections: CONNECTIONS };
const fixed = { rate: RATE, seconds: latencySeconds, connections: CONNECTIONS };

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void endAll().then(() => process.exit(1)));

const from = performance.now();
try {
  const results = await measureAll();
  printAll(results);
  process.stderr.write(`${Math.round((performance.now() - from) / 1_000)} s\n`);
  if (words.length === 0 && !isQuick && process.exitCode === undefined) {
    await writeResults(results);
    await writeFile(new URL("chart.svg", import.meta.url), chart(results.compared));
  }
} finally {
  await endAll();
}

/** @returns {Promise<import("./results.js").Results>} */
async function measureAll() {
  const world = await makeWorld();
  /** @type {import("./results.js").Results} */
  const results = {
    node: process.version,
    cpu: cpus()[0]?.model ?? "",
    how,
    compared: [],
    unavailable: [],
  };
  const parts = partsOf(world, results);
  for (const name of chosenOf([...parts.keys()], words)) await measure(name, parts.get(name));
  return results;
}

/**
 * All rows and parts by their names; each puts what it measures into the results.
 *
 * @param {import("./world.js").World} world
 * @param {import("./results.js").Results} results
 * @returns {ReadonlyMap<string, () => Promise<void>>}
 */
function partsOf(world, results) {
  const rows = rowsOf(world);
  return new Map([
    ...rows.map((row) => /** @type {const} */ ([row.name, () => compareRow(row, results)])),
    [
      "idle memory",
      async () => {
        results.idleBytes = await measureIdleMemory(world.service("plain"));
      },
    ],
    [
      "latency",
      async () => {
        results.latencies = { rate: RATE, rows: await measureLatencies(world) };
      },
    ],
    [
      "1 GiB up and down",
      async () => {
        results.transfers = await compareTransfers(world, transfers);
      },
    ],
    [
      `scale, ${stored} stored`,
      async () => {
        const scale = await makeScale(stored, world.target);
        for (const row of scale.rows) await compareRow(row, results);
        results.scale = { count: stored, ...(await measureScale(scale, world.target, fixed)) };
      },
    ],
  ]);
}

/**
 * Measures a row or a part. One that fails does not end the others, but nothing is recorded then.
 *
 * @param {string} name
 * @param {(() => Promise<void>) | undefined} act
 */
async function measure(name, act) {
  process.stderr.write(`measuring ${name}\n`);
  try {
    await act?.();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}

/**
 * @param {import("./measure/compare.js").Row} row
 * @param {import("./results.js").Results} results where it goes
 */
async function compareRow(row, { compared, unavailable }) {
  const measured = await compare(row, how);
  if (measured === undefined) unavailable.push(row.name);
  else compared.push(measured);
}

/** @param {import("./world.js").World} world */
async function measureLatencies({ floor, rivals, service }) {
  const ours = /** @type {const} */ (["plain", "signed (aws4)", "64 deep", "path + 8 limits", "maxUses"]);
  const latencies = [];
  for (const side of [floor(), ...rivals, ...ours.map((name) => service(name))]) {
    const gateway = await side.start();
    if (gateway === undefined) continue;
    // What is compiled and connected first does not count.
    await latency(gateway, { ...fixed, seconds: 1 });
    latencies.push({ ...(await latency(gateway, fixed)), name: side.name });
    await endProgram(gateway);
  }
  return latencies;
}
