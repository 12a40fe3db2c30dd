// `node bench/kept-heads.js [COUNT]`: what a busy connection takes of the service's memory after a collection, with a head of 4 KB that it
// repeats, and with `--no-head-memo`, which keeps nothing of it.
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createMembrane, exportThrough, initStore, serve } from "./gateways/membrane.js";
import { directory, endAll, endProgram, startTarget } from "./gateways/start.js";
import { median } from "./measure/statistics.js";

const count = Number(process.argv[2] ?? 400);

const KIB = 1024;
const HEAD_BYTES = 4_000;
const LAUNCHES = 3;

/** Within this time each connection sends a request. */
const ROUND_MS = 500;
/** How long an idle connection keeps its head. */
const KEPT_MS = 1_000;
const ROUNDS = 10;
/** This many requests are sent at once. */
const BATCH = 50;

const flags = ["--max-connections-per-address", String(count * 2)];

const node = ["--expose-gc", "--import", new URL("gateways/living-bytes.js", import.meta.url).href];
const file = join(directory, "living");

try {
  const store = await initStore({ BENCH_LIVING: file });
  const service = await serve(store);
  const membrane = await createMembrane(service, store.create, "heads");
  const uri = `http://127.0.0.1:${await startTarget()}/`;
  const token = await exportThrough(service, membrane.export, { uri });
  await endProgram(service);
  const kept = await measure(() => serve(store, { node, flags }), token);
  const unkept = await measure(() => serve(store, { node, flags: [...flags, "--no-head-memo"] }), token);
  console.table([{ connections: count, "KiB each": kept, "KiB each, --no-head-memo": unkept }]);
} finally {
  await endAll();
}

/**
 * Measures the memory of a connection in KiB, the median of several starts.
 *
 * @param {() => Promise<import("./gateways/membrane.js").Service>} start
 * @param {string} token
 */
async function measure(start, token) {
  const all = [];
  while (all.length < LAUNCHES) {
    const service = await start();
    const before = await livingBytes(service.pid);
    all.push(((await loadedBytes(service, token)) - before) / count / KIB);
    await endProgram(service);
  }
  return Math.round(median(all) * 10) / 10;
}

/**
 * Sends requests on all connections, and returns the memory while it does: the median of the second half of the rounds.
 *
 * @param {import("./gateways/membrane.js").Service} service
 * @param {string} token
 */
async function loadedBytes({ url, pid }, token) {
  const sockets = Array.from({ length: count }, () => connect(Number(new URL(url).port), "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket.resume(), "connect")));
  const samples = [];
  let since = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, socket] of sockets.entries()) {
      socket.write(headOf(token, index));
      if (index % BATCH === BATCH - 1) await sleep((ROUND_MS * BATCH) / count);
    }
    samples.push(await livingBytes(pid));
    const took = performance.now() - since;
    since += took;
    if (took > KEPT_MS) console.error(`A round took ${Math.round(took)} ms: heads were dropped in between`);
  }
  for (const socket of sockets) socket.destroy();
  return median(samples.slice(ROUNDS / 2));
}

/**
 * Asks a service how many bytes are left after a collection.
 *
 * @param {number} pid
 */
async function livingBytes(pid) {
  rmSync(file, { force: true });
  kill(pid, "SIGUSR2");
  while (!existsSync(file)) await sleep(5);
  return Number(readFileSync(file, "utf8"));
}

/**
 * Makes the head of a connection, which no other one has.
 *
 * @param {string} token
 * @param {number} index
 */
function headOf(token, index) {
  const begin = `GET / HTTP/1.1\r\nHost: bench.test\r\nAuthorization: Bearer ${token}\r\nX-Request-Id: ${index}\r\n`;
  const lines = Array.from({ length: 9 }, (_, line) => `X-Field-${line}: ${"a".repeat(400)}\r\n`).join("");
  return `${begin}${lines}X-Rest: ${"a".repeat(HEAD_BYTES - begin.length - lines.length - 12)}\r\n\r\n`;
}
