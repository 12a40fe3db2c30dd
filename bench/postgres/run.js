// `npm run bench:postgres [-- WORD…]`: compares the service over PostgreSQL with the service over LMDB, in one run on one machine.
// With words, only the parts that have one of them in their names; nothing is recorded then.
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { endAll } from "../gateways/start.js";
import { evaluate, toRow } from "./figure.js";
import { measureIdle } from "./idle.js";
import { measureCold, measureSteady, measureWarm } from "./invocations.js";
import { measureRevokes, measureRevokesAfterKill } from "./revokes.js";
import { measureSize } from "./size.js";
import { measureTogether } from "./together.js";
import { startWorld } from "./world.js";
import { measureWrites } from "./writes.js";

/** @typedef {{ pairs: number, rounds: number, seconds: number }} How */
/** @typedef {import("./figure.js").Figure} Figure */

/** @type {Readonly<Record<string, (world: import("./world.js").World, how: How) => Promise<Figure[]>>>} */
const PARTS = {
  warm: measureWarm,
  steady: measureSteady,
  cold: measureCold,
  writes: measureWrites,
  revokes: measureRevokes,
  killed: measureRevokesAfterKill,
  idle: measureIdle,
  together: measureTogether,
  size: measureSize,
};

const how = {
  pairs: Number(process.env["BENCH_PAIRS"] ?? 15),
  rounds: Number(process.env["BENCH_ROUNDS"] ?? 5),
  seconds: Number(process.env["BENCH_SECONDS"] ?? 1),
};
const words = process.argv.slice(2);
const chosen = Object.entries(PARTS).filter(
  ([name]) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (chosen.length === 0) throw new TypeError(`expected one of ${Object.keys(PARTS).join(", ")}`);
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => void endAll().then(() => process.exit(1)));

/** @type {import("./figure.js").Evaluated[]} */
const figures = [];
try {
  const world = await startWorld();
  for (const [name, measure] of chosen) await runPart(name, () => measure(world, how));
  console.log("Goals");
  const goals = figures.filter(({ goal }) => goal !== undefined);
  console.table(goals.map(toRow), ["what", "unit", "PostgreSQL", "ratio", "goal", "result", "machine"]);
  if (words.length === 0 && process.exitCode === undefined) {
    const results = {
      node: process.version,
      cpu: cpus()[0]?.model ?? "",
      loadAverage: loadavg()[0],
      ...how,
      figures,
    };
    await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
  }
} finally {
  await endAll();
}

/**
 * Prints what was measured. A part that fails does not end the others.
 *
 * @param {string} name
 * @param {() => Promise<Figure[]>} measure
 */
async function runPart(name, measure) {
  process.stderr.write(`measuring ${name}\n`);
  try {
    const measured = (await measure()).map(evaluate);
    console.log(`${name}, load average ${loadavg()[0]?.toFixed(2)}`);
    console.table(measured.map(toRow));
    figures.push(...measured);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
