// `npm run bench`: compares the service with the floor and its rivals, in one run. bench/README.md describes each number.
// With words, it measures only the rows whose names contain one of them, and records nothing: `npm run bench -- plain signed`.
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { endAll } from "./gateways/start.js";
import { compare } from "./measure/compare.js";
import { latency } from "./measure/latency.js";
import { LOADER } from "./measure/load.js";
import { compareTransfers } from "./measure/transfer.js";
import { chart } from "./report/chart.js";
import { checkGoals } from "./report/goals.js";
import { printAll, printComparison, printLatencies } from "./report/table.js";
import { writeResults } from "./results.js";
import { startAll } from "./rows.js";
import { measureScale, startScale } from "./scale.js";

const how = {
  pairs: Number(process.env["BENCH_PAIRS"] ?? 15),
  seconds: Number(process.env["BENCH_SECONDS"] ?? 1),
  /** V8 optimizes hot code for the last time some seconds after it became hot. */
  warmSeconds: 4,
  connections: 32,
};
const stored = Number(process.env["BENCH_STORED"] ?? 1_000_000);
/** A rate that the slowest gateway can sustain. */
const fixed = { rate: 2_000, seconds: 5, connections: 32 };
const wanted = process.argv.slice(2);

try {
  await (wanted.length === 0 ? runAll() : runSome());
} finally {
  await endAll();
}

async function runSome() {
  const { rows, plain, latencyGateways } = await startAll();
  /** @param {{ name: string }} row */
  const isWanted = ({ name }) => wanted.some((word) => name.includes(word));
  printComparison(await compareAll(rows.filter(isWanted)), { ...how, loader: LOADER });
  const gateways = latencyGateways.filter((gateway) => gateway === plain || isWanted(gateway));
  printLatencies({ rate: fixed.rate, rows: await measureLatencies(gateways) });
}

async function runAll() {
  const { rows, target, floor, rivals, large, plain, latencyGateways } = await startAll();
  const compared = await compareAll(rows);
  const latencies = await measureLatencies(latencyGateways);
  const transfers = await compareTransfers(floor, { up: plain, down: large });

  process.stderr.write(`filling a store with ${stored} capabilities\n`);
  const scale = await startScale(stored, target);
  compared.push(...(await compareAll(scale.rows)));
  process.stderr.write("measuring queries, starts and revokes\n");
  const scaled = await measureScale(scale, target, fixed);

  const results = {
    node: process.version,
    cpu: cpus()[0]?.model ?? "",
    ...how,
    loader: LOADER,
    rivals: rivals.map(({ name }) => name),
    compared,
    latencies: { rate: fixed.rate, rows: latencies },
    transfers,
    scale: { count: stored, ...scaled },
  };
  printAll(results, checkGoals(results));
  await writeResults(results);
  await writeFile(new URL("chart.svg", import.meta.url), chart(compared));
}

/** @param {readonly import("./gateways/start.js").Gateway[]} gateways */
async function measureLatencies(gateways) {
  const latencies = [];
  for (const gateway of gateways) latencies.push(await latency(gateway, fixed));
  return latencies;
}

/** @param {readonly import("./measure/compare.js").Row[]} rows */
async function compareAll(rows) {
  const compared = [];
  for (const row of rows) {
    process.stderr.write(`measuring ${row.name}\n`);
    compared.push(await compare(row, how));
  }
  return compared;
}
