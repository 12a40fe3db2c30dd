import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("../load/autocannon.js", import.meta.url));

/** @typedef {{ url: string, token: string, rate: number, seconds: number, connections: number }} Load `rate` in requests a second */

/**
 * Measures latency, in milliseconds, at a fixed rate that every gateway can sustain. A closed loop would send fewer requests to
 * the slow side, and hide it. The load is a separate process, whose environment has the token: the list of processes must not.
 *
 * @param {import("../gateways/start.js").Gateway} gateway
 * @param {Omit<Load, "url" | "token">} how
 */
export async function latency({ name, url, token }, how) {
  const env = { ...process.env, LOAD: JSON.stringify({ url, token, ...how }) };
  const { total, seconds, failed, p50, p99, p999 } = JSON.parse(
    (await run(process.execPath, [PROGRAM], { env })).stdout,
  );
  if (failed > 0 || total === 0) throw new Error(`${failed} of ${total} requests to ${url} failed`);
  return { name, p50, p99, p999, perSecond: total / seconds };
}
