// `node bench/checkouts.js ../other [--new-heads] [--bytes=N] [flags]`: compares what a warm invocation costs here, with flags of `membrane
// serve`, and in another built checkout, in processor time. With --new-heads, no two requests of a connection have the same head; with
// --bytes, a response has that many bytes.
// V8 compiles the same code differently from one start to the next, which makes a difference of up to a third: each launch is a new pair of
// processes, which are measured in the same seconds, and the median of all launches counts.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadGateways } from "./gateways/checkout.js";
import { isNoisy, median, quartiles } from "./measure/statistics.js";
import { measureWindows } from "./measure/windows.js";

/** @typedef {import("./gateways/checkout.js").Gateways} Gateways */

const LAUNCHES = Number(process.env["BENCH_LAUNCHES"] ?? 15);
const HOW = { windows: 5, seconds: 1, warmSeconds: 4, connections: 32 };

const NEW_HEADS = "--new-heads";
const BYTES = "--bytes=";

const [other, ...words] = process.argv.slice(2);
const flags = words.filter((word) => word !== NEW_HEADS && !word.startsWith(BYTES));
const bytes = words.find((word) => word.startsWith(BYTES))?.slice(BYTES.length) ?? "";
const load = { hasNewHeads: words.includes(NEW_HEADS) };
if (other === undefined)
  throw new Error("expected the path of another checkout: node bench/checkouts.js ../other");
const ours = await loadGateways(fileURLToPath(new URL("..", import.meta.url)));
const theirs = await loadGateways(resolve(other));
/** @type {number[]} */
const ratios = [];
try {
  const uri = `http://127.0.0.1:${await ours.startTarget()}/${bytes}`;
  const sides = { ours: await makeSide(ours, uri, flags), theirs: await makeSide(theirs, uri, []) };
  for (let launch = 0; launch < LAUNCHES; launch += 1) {
    const [gateway, against] = [await sides.ours(), await sides.theirs()];
    const { windows } = await measureWindows({ gateway, against, load }, HOW);
    await ours.endProgram(gateway);
    await theirs.endProgram(against);
    ratios.push(median(windows.map((window) => window.ours.cpu / window.theirs.cpu)));
    process.stderr.write(`${ratios.at(-1)?.toFixed(3)}\n`);
  }
} finally {
  await ours.endAll();
  await theirs.endAll();
}
const all = quartiles(ratios);
console.log(
  `Here ÷ there, median of ${LAUNCHES} launches: ${all.median.toFixed(3)} (${all.lower.toFixed(3)} to ${all.upper.toFixed(3)})`,
);
if (isNoisy(all)) console.log("The machine is noisy: a smaller difference than that is none.");

/**
 * Makes a store with one capability.
 *
 * @param {Gateways} gateways
 * @param {string} uri
 * @param {readonly string[]} flags of each process
 * @returns starts a process that serves it.
 */
async function makeSide(gateways, uri, flags) {
  const store = await gateways.initStore();
  const service = await gateways.serve(store);
  const membrane = await gateways.createMembrane(service, store.create, "bench");
  const token = await gateways.exportThrough(service, membrane.export, { uri });
  await gateways.endProgram(service);
  return async () => ({ ...(await gateways.serve(store, { flags })), token });
}
