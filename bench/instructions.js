// `node bench/instructions.js ../other`: compares how many instructions a warm invocation takes here and in another built checkout.
// Instructions of user space, counted by valgrind: unlike processor time, they do not depend on what else the machine does. Launches
// differ by a few percent, and seldom by a third, in what V8 compiles how; the least of them counts.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import autocannon from "autocannon";

/** @typedef {typeof import("./gateways/membrane.js") & typeof import("./gateways/start.js")} Gateways */

/** The difference of two loads is counted: V8 compiles most of the code within the first one. */
const FEW = 6_000;
const MANY = 66_000;
const LAUNCHES = 3;
const CONNECTIONS = 32;

/** Under valgrind a program takes fifty times as long. */
const SLOW = ["store-write-timeout-ms", "upstream-response-timeout-ms", "request-header-timeout-ms"];
const TIMEOUT_SECONDS = 300;

const [other] = process.argv.slice(2);
if (other === undefined)
  throw new Error("expected the path of another checkout: node bench/instructions.js ../other");
const ours = await loadGateways(fileURLToPath(new URL("..", import.meta.url)));
const theirs = await loadGateways(resolve(other));
/** @type {number[]} */
const here = [];
/** @type {number[]} */
const there = [];
try {
  const uri = `http://127.0.0.1:${await ours.startTarget()}/`;
  for (let launch = 0; launch < LAUNCHES; launch += 1) {
    here.push(await instructionsOfInvocation(ours, uri));
    there.push(await instructionsOfInvocation(theirs, uri));
  }
} finally {
  await ours.endAll();
  await theirs.endAll();
}
console.table({ here, there });
console.log(`Ratio of the least: ${(Math.min(...here) / Math.min(...there)).toFixed(3)}`);

/**
 * @param {string} checkout
 * @returns {Promise<Gateways>}
 */
async function loadGateways(checkout) {
  const folder = pathToFileURL(join(checkout, "bench/gateways/")).href;
  return { ...(await import(`${folder}membrane.js`)), ...(await import(`${folder}start.js`)) };
}

/**
 * @param {Gateways} gateways
 * @param {string} uri
 */
async function instructionsOfInvocation(gateways, uri) {
  const few = await instructionsOfService(gateways, uri, FEW);
  const many = await instructionsOfService(gateways, uri, MANY);
  return Math.round((many - few) / (MANY - FEW));
}

/**
 * Counts the instructions of a service from its start to its end.
 *
 * @param {Gateways} gateways
 * @param {string} uri
 * @param {number} amount of invocations
 */
async function instructionsOfService(gateways, uri, amount) {
  const log = join(gateways.directory, "valgrind.log");
  const counter = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
  const store = await gateways.initStore();
  const service = await gateways.serve(store, {
    through: ["valgrind", ...counter, "--smc-check=all-non-file", `--log-file=${log}`],
    flags: SLOW.flatMap((name) => [`--${name}`, String(TIMEOUT_SECONDS * 1_000)]),
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
