// The effect of a million capabilities on the time to start, on memory, on invocations, and on a revoke of all of them at once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  initStore,
  copyStore,
  createMembrane,
  exportThrough,
  queryAll,
  revoke,
  serve,
} from "./gateways/membrane.js";
import { directory, endProgram } from "./gateways/start.js";
import { countInClosedLoops } from "./measure/closed-loop.js";
import { writeTokens } from "./measure/calls.js";
import { latency } from "./measure/latency.js";
import { anonymousBytes } from "./measure/process.js";
import { median } from "./measure/statistics.js";

/** @typedef {import("./measure/compare.js").Row} Row */

const FILL = fileURLToPath(new URL("gateways/fill.js", import.meta.url));
const FEW = 1_000;
const HOT = 100;
const FILLERS = 2;
/** How many copies of the store are made, since all capabilities can be revoked once in each. */
const COPIES = 3;
const SMALL_REVOKES = 3;
const MEMBRANES = 500;
const PAGE = 100;
const QUERIES = 9;
/** How long capabilities are used at random, which fills the cache of resolutions. */
const UNIFORM_SECONDS = 10;

/**
 * Makes a store with `count` capabilities, all through one membrane.
 *
 * @param {number} count
 * @param {number} target
 */
async function makeFilled(count, target) {
  const store = await initStore();
  const maker = await serve(store);
  const membrane = await createMembrane(maker, store.create, "holds all");
  const uri = `http://127.0.0.1:${target}/`;
  const made = await fillAll({ data: store.data, export: membrane.export, uri }, count);
  for (let i = 1; i < MEMBRANES; i += 1) await createMembrane(maker, store.create, `holds nothing ${i}`);
  await endProgram(maker);
  /** @param {string} name @param {readonly string[]} used */
  const through = async (name, used) => {
    const tokens = await writeTokens(`tokens-${count}-${name}`, used);
    return {
      name: `${count} stored, ${name}`,
      start: async () => ({ ...(await serve(store)), token: used[0] ?? "", tokens }),
    };
  };
  return {
    store,
    membrane,
    hot: await through("hot set", made.slice(0, HOT)),
    uniform: await through("uniform", made),
  };
}

/**
 * Fills a store with several processes: nearly all of the work is to seal the records.
 *
 * @param {{ data: string, export: string, uri: string }} what
 * @param {number} count of capabilities
 * @returns {Promise<string[]>} some of the tokens
 */
async function fillAll(what, count) {
  const files = Array.from({ length: FILLERS }, (_, part) => join(directory, `tokens-${count}-${part}`));
  await Promise.all(files.map((tokens) => fill({ ...what, count: count / FILLERS, tokens })));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts.join("").trim().split("\n");
}

/** @param {object} what */
async function fill(what) {
  const child = spawn(process.execPath, [FILL], { stdio: ["pipe", "inherit", "inherit"] });
  child.stdin.end(JSON.stringify(what));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("the store could not be filled");
}

/**
 * @param {number} many
 * @param {number} target
 */
export async function makeScale(many, target) {
  const few = await makeFilled(FEW, target);
  const full = await makeFilled(many, target);
  /** @type {Row[]} */
  const rows = [
    { name: full.hot.name, ours: full.hot, against: few.hot, goal: { of: "cpuRatio", met: 1.1 } },
    { name: full.uniform.name, ours: full.uniform, against: few.hot },
  ];
  return { few, full, rows };
}

/**
 * Measures how long it takes to list all membranes of a tenant, page by page, in milliseconds.
 *
 * @param {import("./gateways/membrane.js").Service} service
 * @param {import("./gateways/membrane.js").BenchStore} store
 */
async function timeQuery(service, store) {
  const times = [];
  for (let query = 0; query < QUERIES; query += 1) {
    times.push(
      await timed(async () => {
        const count = await queryAll(service, store.query, PAGE);
        if (count !== MEMBRANES) throw new Error(`${count} membranes were found, of ${MEMBRANES}`);
      }),
    );
  }
  return median(times);
}

/**
 * Uses the capabilities of the full store at random, and queries both stores. Then it copies the full one several times, starts a service on each copy, and revokes membranes with one
 * capability and the membrane with all of them.
 *
 * @param {Awaited<ReturnType<typeof makeScale>>} scale
 * @param {number} target
 * @param {{ rate: number, seconds: number, connections: number }} how
 */
export async function measureScale({ few, full }, target, how) {
  const { connections } = how;
  const service = await full.uniform.start();
  await countInClosedLoops([service], { seconds: UNIFORM_SECONDS, connections });
  const memory = anonymousBytes(service.pid);
  const queryMs = await timeQuery(service, full.store);
  await endProgram(service);
  const other = await few.hot.start();
  const queryFewMs = await timeQuery(other, few.store);
  await endProgram(other);
  /** @type {Awaited<ReturnType<typeof revokeAll>>[]} */
  const copies = [];
  for (let copy = 1; copy <= COPIES; copy += 1) copies.push(await revokeAll(full, target, how));
  /** @param {(copy: Awaited<ReturnType<typeof revokeAll>>) => number} of */
  const middle = (of) => median(copies.map(of));
  return {
    startMs: middle(({ startMs }) => startMs),
    anonymousBytes: memory,
    queryFewMs,
    queryMs,
    revokeOneMs: middle(({ oneMs }) => oneMs),
    revokeAllMs: middle(({ allMs }) => allMs),
    p99BeforeMs: middle(({ before }) => before.p99),
    p99SweepingMs: middle(({ whileSweeping }) => whileSweeping.p99),
  };
}

/**
 * @param {Awaited<ReturnType<typeof makeFilled>>} filled
 * @param {number} target
 * @param {{ rate: number, seconds: number, connections: number }} how
 */
async function revokeAll(filled, target, how) {
  const store = await copyStore(filled.store);
  const service = await serve(store);
  const other = await createMembrane(service, store.create, "other");
  const token = await exportThrough(service, other.export, { uri: `http://127.0.0.1:${target}/` });
  const gateway = { name: "other membrane", pid: service.pid, url: service.url, token };
  await latency(gateway, how);
  const before = await latency(gateway, how);
  const small = [];
  for (let round = 0; round < SMALL_REVOKES; round += 1) {
    const one = await createMembrane(service, store.create, `holds one ${round}`);
    await exportThrough(service, one.export, { uri: `http://127.0.0.1:${target}/` });
    small.push(await timed(() => revoke(service, one.revoke)));
  }
  const allMs = await timed(() => revoke(service, filled.membrane.revoke));
  const whileSweeping = await latency(gateway, how);
  await endProgram(service);
  await rm(store.data, { recursive: true });
  return { startMs: service.startMs, before, oneMs: median(small), allMs, whileSweeping };
}

/** @param {() => Promise<unknown>} act */
async function timed(act) {
  const from = performance.now();
  await act();
  return performance.now() - from;
}
