// `node bench/cold-opens.js ../other`: compares what it costs here and in another built checkout to resolve a capability that is not in
// the cache, in processor time, over LMDB. There is no HTTP in it: `npm run bench -- cold` has that.
// V8 compiles the same code differently from one start to the next: each launch is a new pair of processes, which are measured in turn.
import { fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isNoisy, median, quartiles } from "./measure/statistics.js";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {import("./cold/resolver.js").Microseconds} Microseconds */

const LAUNCHES = Number(process.env["BENCH_LAUNCHES"] ?? 5);
const ROUNDS = 5;
const RESOLVER = fileURLToPath(new URL("cold/resolver.js", import.meta.url));

const [other] = process.argv.slice(2);
if (other === undefined)
  throw new Error("expected the path of another checkout: node bench/cold-opens.js ../other");
const checkouts = { here: fileURLToPath(new URL("..", import.meta.url)), there: resolve(other) };

/** @type {Record<string, { here: number[], there: number[] }>} */
const figures = {};
for (let launch = 0; launch < LAUNCHES; launch += 1) {
  const [here, there] = [await start(checkouts.here), await start(checkouts.there)];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [ours, theirs] = [await measure(here), await measure(there)];
    for (const [what, microseconds] of Object.entries(ours)) {
      const all = (figures[what] ??= { here: [], there: [] });
      all.here.push(microseconds);
      all.there.push(theirs[what] ?? Number.NaN);
    }
  }
  for (const child of [here, there]) {
    child.send("end");
    await once(child, "exit");
  }
}
console.table(
  Object.fromEntries(
    Object.entries(figures).map(([what, { here, there }]) => {
      const ratios = quartiles(there.map((theirs, i) => theirs / (here[i] ?? Number.NaN)));
      return [
        what,
        {
          "here, µs": median(here).toFixed(1),
          "there, µs": median(there).toFixed(1),
          "there ÷ here": ratios.median.toFixed(2),
          quartiles: `${ratios.lower.toFixed(2)}–${ratios.upper.toFixed(2)}`,
          noisy: isNoisy(ratios),
        },
      ];
    }),
  ),
);

/** @param {string} checkout */
async function start(checkout) {
  const child = fork(RESOLVER, [checkout]);
  await once(child, "message");
  return child;
}

/**
 * @param {ChildProcess} child
 * @returns {Promise<Microseconds>}
 */
async function measure(child) {
  child.send("measure");
  const [microseconds] = await once(child, "message");
  return microseconds;
}
