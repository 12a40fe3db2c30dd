import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { COMPLETED, IS_OVER } from "../load/shared.js";

const PROGRAM = fileURLToPath(new URL("../load/closed-loop.js", import.meta.url));

/** A gateway that does not respond for so long has failed. */
const STOP_MS = 5_000;

/** @typedef {import("../gateways/start.js").Gateway} Gateway */

/**
 * What the worker thread is given.
 *
 * @typedef {object} ClosedLoop
 * @property {number} port
 * @property {boolean} isSecure
 * @property {number} connections
 * @property {import("../load/heads.js").Requests} requests
 * @property {SharedArrayBuffer} shared numbers of 32 bits: `COMPLETED` and `IS_OVER`
 */

/**
 * @typedef {object} Load
 * @property {number} connections
 * @property {boolean} [hasNewHeads]
 * @property {number} [bodyBytes]
 * @property {(gateway: Gateway) => import("../load/changes.js").Change} [changeOf] what each request changes
 */

/**
 * Loads a gateway from a thread until it is stopped. The thread shares its count, so that it can be read in the same moment as the
 * processor time of the gateway.
 *
 * @param {Gateway} gateway
 * @param {Load} load
 */
export async function startClosedLoop(gateway, { connections, changeOf, ...load }) {
  const { url, token, tokens } = gateway;
  const { protocol, host, port, pathname, search } = new URL(url);
  const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const all = tokens === undefined ? [token] : (await readFile(tokens, "utf8")).trim().split("\n");
  const change = changeOf?.(gateway);
  const requests = {
    host,
    path: pathname + search,
    tokens: all,
    ...load,
    ...(change === undefined ? {} : { change }),
  };
  /** @type {ClosedLoop} */
  const workerData = { port: Number(port), isSecure: protocol === "https:", connections, requests, shared };
  const worker = new Worker(PROGRAM, { workerData });
  const counts = new Int32Array(shared);
  /** @type {unknown} */
  let failure;
  worker.on("error", (error) => {
    failure = error;
  });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  return {
    /** Counts the responses so far. Throws if the load has failed, since requests that fail cost something else. */
    completed() {
      if (failure !== undefined) throw new Error(`the load of ${url} failed`, { cause: failure });
      return Atomics.load(counts, COMPLETED);
    },
    /** Waits for the responses that are due, so that the gateway can be measured again. */
    async stop() {
      const giveUp = setTimeout(() => void worker.terminate(), STOP_MS);
      Atomics.store(counts, IS_OVER, 1);
      await ended;
      clearTimeout(giveUp);
    },
  };
}

/**
 * Loads several gateways at once for a time.
 *
 * @param {readonly Gateway[]} gateways
 * @param {Load & { seconds: number }} load of each
 * @returns {Promise<number[]>} how many responses each gave
 */
export async function countInClosedLoops(gateways, { seconds, ...load }) {
  const loops = await Promise.all(gateways.map((gateway) => startClosedLoop(gateway, load)));
  try {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    return loops.map((loop) => loop.completed());
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
  }
}
