// `node bench/instructions.js ../other`: compares how many instructions a warm invocation takes here and in another built checkout.
// `node bench/instructions.js postgres`: the same of this checkout, over PostgreSQL and over LMDB.
// Instructions of user space, counted by valgrind: unlike processor time, they do not depend on what else the machine does. Launches
// differ by a few percent, and seldom by a third, in what V8 compiles how; the least of them counts.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { DEFAULT_LEASE_TIMES } from "../packages/service/dist/store/lease/lease-times.js";
import { loadGateways } from "./gateways/checkout.js";
import { startPostgres } from "./gateways/postgres.js";

/** @typedef {import("./gateways/checkout.js").Gateways} Gateways */

/**
 * One of the two that are compared.
 *
 * @typedef {object} Side
 * @property {Gateways} gateways
 * @property {readonly string[]} flags
 * @property {() => Promise<Record<string, string>>} makeStore returns variables that say where a new store is
 */

/** The difference of two loads is counted: V8 compiles most of the code within the first one. */
const FEW = 6_000;
const MANY = 66_000;
const LAUNCHES = 3;
const CONNECTIONS = 32;

/** Under valgrind a program takes fifty times as long, and more if others run: no lease may end. */
const LEASE_FACTOR = 300;
const MAX_LEASE_TIME_MS = 600_000;
const SLOW = ["store-write-timeout-ms", "upstream-response-timeout-ms", "request-header-timeout-ms"];
const TIMEOUT_SECONDS = 300;

const [other] = process.argv.slice(2);
if (other === undefined)
  throw new Error("expected the path of another checkout, or postgres: node bench/instructions.js ../other");
const ours = await loadGateways(fileURLToPath(new URL("..", import.meta.url)));
const sides = other === "postgres" ? await enginesOf(ours) : await checkoutsOf(ours, resolve(other));
/** @type {Record<string, number[]>} */
const counted = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
try {
  const uri = `http://127.0.0.1:${await ours.startTarget()}/`;
  for (let launch = 0; launch < LAUNCHES; launch += 1) {
    for (const [name, side] of Object.entries(sides)) {
      counted[name]?.push(await instructionsOfInvocation(side, uri));
    }
  }
} finally {
  for (const { gateways } of Object.values(sides)) await gateways.endAll();
}
console.table(counted);
const [first = Number.NaN, second = Number.NaN] = Object.values(counted).map((all) => Math.min(...all));
console.log(`Ratio of the least: ${(first / second).toFixed(3)}`);

/**
 * @param {Gateways} gateways
 * @param {string} checkout
 * @returns {Promise<Record<string, Side>>}
 */
async function checkoutsOf(gateways, checkout) {
  const makeStore = async () => ({});
  return {
    here: { gateways, flags: [], makeStore },
    there: { gateways: await loadGateways(checkout), flags: [], makeStore },
  };
}

/**
 * @param {Gateways} gateways
 * @returns {Promise<Record<string, Side>>}
 */
async function enginesOf(gateways) {
  const server = await startPostgres();
  const times = { storeReadTimeoutMs: TIMEOUT_SECONDS * 1_000, ...longLeaseTimes() };
  let databases = 0;
  return {
    PostgreSQL: {
      gateways,
      flags: Object.entries(times).flatMap(([name, ms]) => [toFlag(name), String(ms)]),
      async makeStore() {
        databases += 1;
        const { env, close } = await server.makeDatabase(`instructions_${databases}`);
        await close();
        return env;
      },
    },
    LMDB: { gateways, flags: [], makeStore: async () => ({}) },
  };
}

function longLeaseTimes() {
  const times = Object.entries(DEFAULT_LEASE_TIMES);
  return Object.fromEntries(
    times.map(([name, ms]) => [name, Math.min(ms * LEASE_FACTOR, MAX_LEASE_TIME_MS)]),
  );
}

/** @param {string} name */
function toFlag(name) {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * @param {Side} side
 * @param {string} uri
 */
async function instructionsOfInvocation(side, uri) {
  const few = await instructionsOfService(side, uri, FEW);
  const many = await instructionsOfService(side, uri, MANY);
  return Math.round((many - few) / (MANY - FEW));
}

/**
 * Counts the instructions of a service from its start to its end.
 *
 * @param {Side} side
 * @param {string} uri
 * @param {number} amount of invocations
 */
async function instructionsOfService({ gateways, flags, makeStore }, uri, amount) {
  const log = join(gateways.directory, "valgrind.log");
  const counter = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
  const store = await gateways.initStore(await makeStore());
  const service = await gateways.serve(store, {
    through: ["valgrind", ...counter, "--smc-check=all-non-file", `--log-file=${log}`],
    flags: [...flags, ...SLOW.flatMap((name) => [`--${name}`, String(TIMEOUT_SECONDS * 1_000)])],
  });
  const membrane = await gateways.createMembrane(service, store.create, "bench");
  const token = await gateways.exportThrough(service, membrane.export, { uri });
  const headers = { authorization: `Bearer ${token}` };
  const load = { url: service.url, amount, connections: CONNECTIONS, timeout: TIMEOUT_SECONDS, headers };
  const { errors, non2xx } = await autocannon(load);
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} other responses than 2xx`);
  await gateways.endProgram(service);
  const [, counted] = /I\s+refs:\s+([\d,]+)/.exec(await readFile(log, "utf8")) ?? [];
  if (counted === undefined) throw new Error(`no count of instructions in ${log}`);
  return Number(counted.replaceAll(",", ""));
}
