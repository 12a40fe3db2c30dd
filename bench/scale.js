// The effect of a million capabilities on the time to start, on memory, on invocations, and on a revoke of all of them at once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
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
import { latency } from "./measure/latency.js";
import { anonymousBytes } from "./measure/process.js";
import { median } from "./measure/statistics.js";

/** @typedef {import("./gateways/start.js").Gateway} Gateway */
/** @typedef {import("./measure/compare.js").Row} Row */

const FILL = fileURLToPath(new URL("gateways/fill.js", import.meta.url));
const FEW = 1_000;
const HOT = 100;
/** How many copies of the store are made, since all capabilities can be revoked once in each. */
const COPIES = 3;
const SMALL_REVOKES = 3;
const MEMBRANES = 500;
const PAGE = 100;
const QUERIES = 9;

/** A service on a store with `count` capabilities, all through one membrane. */
/**
 * @param {number} count
 * @param {number} target
 */
export async function startFilled(count, target) {
  const store = await initStore();
  const maker = await serve(store);
  const membrane = await createMembrane(maker, store.create, "holds all");
  const tokens = join(directory, `tokens-${count}`);
  await fill({
    data: store.data,
    export: membrane.export,
    count,
    uri: `http://127.0.0.1:${target}/`,
    tokens,
  });
  for (let i = 1; i < MEMBRANES; i += 1) await createMembrane(maker, store.create, `holds nothing ${i}`);
  await endProgram(maker);
  const hot = `${tokens}-hot`;
  const all = (await readFile(tokens, "utf8")).trim().split("\n");
  await writeFile(hot, `${all.slice(0, HOT).join("\n")}\n`);
  const service = await serve(store);
  /** @type {(name: string, file: string) => Gateway} */
  const through = (name, file) => ({
    name,
    pid: service.pid,
    url: service.url,
    token: all[0] ?? "",
    tokens: file,
  });
  return {
    store,
    service,
    membrane,
    hot: through(`${count} stored, hot set`, hot),
    uniform: through(`${count} stored, uniform`, tokens),
  };
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
export async function startScale(many, target) {
  const few = await startFilled(FEW, target);
  const full = await startFilled(many, target);
  /** @type {Row[]} */
  const rows = [
    { name: `${many} stored, hot set`, gateway: full.hot, against: few.hot },
    { name: `${many} stored, uniform`, gateway: full.uniform, against: few.hot },
  ];
  return { few, full, rows };
}

/**
 * Measures how long it takes to list all membranes of a tenant, page by page, in milliseconds.
 *
 * @param {Awaited<ReturnType<typeof startFilled>>} filled
 */
async function timeQuery({ service, store }) {
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
 * Queries both stores. Then it copies the full one several times, starts a service on each copy, and revokes membranes with one
 * capability and the membrane with all of them.
 *
 * @param {Awaited<ReturnType<typeof startScale>>} scale
 * @param {number} target
 * @param {{ rate: number, seconds: number, connections: number }} how
 */
export async function measureScale({ few, full }, target, how) {
  const memory = await anonymousBytes(full.service.pid);
  const queryFewMs = await timeQuery(few);
  const queryMs = await timeQuery(full);
  await endProgram(few.service);
  await endProgram(full.service);
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
 * @param {Awaited<ReturnType<typeof startFilled>>} filled
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
