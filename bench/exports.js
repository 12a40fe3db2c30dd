// `node bench/exports.js ../other [flags]`: compares what management costs here, with flags of `membrane serve`, and in another built
// checkout: exports, membranes made, and membranes made and revoked, by 16 clients at a time. Each service has its store on the disk
// of the temporary directory, and flushes it as always.
// V8 compiles the same code differently from one start to the next: each launch is a new pair of processes with new stores, which are
// loaded in the same seconds.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadGateways } from "./gateways/checkout.js";
import { isNoisy, median, quartiles } from "./measure/statistics.js";
import { measureWindows } from "./measure/windows.js";
import { withQuartiles } from "./report/table.js";

/** @typedef {import("./gateways/checkout.js").Gateways} Gateways */
/** @typedef {import("./load/changes.js").Change["kind"]} Kind */
/** @typedef {import("./measure/windows.js").Window} Window */

const LAUNCHES = Number(process.env["BENCH_LAUNCHES"] ?? 7);
const CLIENTS = Number(process.env["BENCH_CLIENTS"] ?? 16);
/** V8 still compiles what a change runs after ten thousand of them. */
const HOW = { windows: 4, seconds: 1, warmSeconds: 8, connections: CLIENTS };

/** @type {readonly Kind[]} */
const KINDS = ["export", "create", "create, revoke"];

/** Nothing connects to it. */
const URI = "http://127.0.0.1:9/";

const [other, ...flags] = process.argv.slice(2);
if (other === undefined)
  throw new Error("expected the path of another checkout: node bench/exports.js ../other");
const ours = await loadGateways(fileURLToPath(new URL("..", import.meta.url)));
const theirs = await loadGateways(resolve(other));
/** @type {Record<Kind, Window[]>} */
const measured = { export: [], create: [], "create, revoke": [] };
try {
  for (let launch = 0; launch < LAUNCHES; launch += 1) {
    const [gateway, against] = [await start(ours, flags), await start(theirs, [])];
    for (const kind of KINDS) {
      /** @param {import("./gateways/start.js").Gateway} side */
      const changeOf = ({ pid }) => ({
        kind,
        uri: URI,
        token: (pid === gateway.pid ? gateway : against).capabilities[kind],
      });
      const { windows } = await measureWindows({ gateway, against, load: { changeOf } }, HOW);
      measured[kind].push(...windows);
      process.stderr.write(`${kind}: ${median(windows.map(throughputRatio)).toFixed(2)}\n`);
    }
    await ours.endProgram(gateway);
    await theirs.endProgram(against);
  }
} finally {
  await ours.endAll();
  await theirs.endAll();
}
console.log(
  `Here against there, ${CLIENTS} clients each, ${LAUNCHES} launches, ${availableParallelism()} processors, ${process.version}`,
);
console.table(Object.fromEntries(KINDS.map((kind) => [kind, rowOf(measured[kind])])));

/**
 * Starts a service with a new store.
 *
 * @param {Gateways} gateways
 * @param {readonly string[]} flags
 */
async function start(gateways, flags) {
  const store = await gateways.initStore();
  const service = await gateways.serve(store, { flags });
  const membrane = await gateways.createMembrane(service, store.create, "bench");
  const { create } = store;
  return { ...service, capabilities: { export: membrane.export, create, "create, revoke": create } };
}

/** @param {readonly Window[]} windows */
function rowOf(windows) {
  const throughput = quartiles(windows.map(throughputRatio));
  const cpu = quartiles(windows.map(({ ours, theirs }) => ours.cpu / theirs.cpu));
  const written = windows.map(({ ours, theirs }) => ours.written / theirs.written);
  /** @param {"ours" | "theirs"} side @param {keyof Window["ours"]} of */
  const medianOf = (side, of) => median(windows.map((window) => window[side][of]));
  /** @param {keyof Window["ours"]} of @param {number} unit */
  const both = (of, unit) =>
    `${(medianOf("ours", of) / unit).toFixed(0)} : ${(medianOf("theirs", of) / unit).toFixed(0)}`;
  return {
    "changes/s ratio": withQuartiles(throughput),
    "CPU ratio": withQuartiles(cpu),
    "bytes ratio": median(written).toFixed(2),
    "changes/s": both("perSecond", 1),
    "CPU µs": both("cpu", 1),
    "KiB written": both("written", 1024),
    "busy with others": `${(median(windows.map(({ others }) => others)) * 100).toFixed(0)} %`,
    machine: isNoisy(throughput) ? "too noisy" : "quiet",
  };
}

/** @param {Window} window */
function throughputRatio({ ours, theirs }) {
  return ours.perSecond / theirs.perSecond;
}
