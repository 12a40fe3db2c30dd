import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const AUTOCANNON = fileURLToPath(new URL("../load/autocannon.js", import.meta.url));
const STRETCH = fileURLToPath(new URL("../load/stretch.lua", import.meta.url));

/** @typedef {{ total: number, perSecond: number, p50: number, p99: number, p999?: number }} Counted */

/**
 * @typedef {object} Load
 * @property {string} url
 * @property {string} token
 * @property {string} [tokens] a file with one token a line: each request takes one of them at random
 * @property {number} seconds
 * @property {number} connections
 * @property {number} [rate] requests a second; absent: as many as possible
 * @property {number} [bodyBytes] sent with each request
 */

/** wrk takes a tenth of the CPU time that autocannon takes, which leaves more to the gateways. */
export const LOADER = await run("wrk", ["-v"]).then(
  () => "wrk",
  (/** @type {{ code?: unknown }} */ error) => (error.code === "ENOENT" ? "autocannon" : "wrk"),
);

/**
 * Generates one stretch of load in a separate process. Tokens are passed in the environment, not in the list of processes.
 *
 * @param {Load} load
 * @returns {Promise<Counted>}
 */
export async function apply(load) {
  const isWrk = LOADER === "wrk" && load.rate === undefined;
  const { stdout } = await (isWrk ? wrk(load) : autocannon(load));
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`the load generator printed no result: ${stdout}`);
  const { total, seconds, failed, ...latency } = JSON.parse(line);
  if (failed > 0 || total === 0) throw new Error(`${failed} of ${total} requests to ${load.url} failed`);
  return { total, perSecond: total / seconds, ...latency };
}

/** @param {Load} load */
function wrk({ url, token, tokens, seconds, connections, bodyBytes = 0 }) {
  const words = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "-s", STRETCH, url];
  const given = tokens === undefined ? { TOKEN: token } : { TOKENS: tokens };
  return run("wrk", words, { env: { ...process.env, ...given, BODY_BYTES: String(bodyBytes) } });
}

/** @param {Load} load */
function autocannon(load) {
  return run(process.execPath, [AUTOCANNON], { env: { ...process.env, LOAD: JSON.stringify(load) } });
}
