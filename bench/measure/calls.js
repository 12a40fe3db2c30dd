import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { directory } from "../gateways/start.js";
import { cpuSeconds } from "./process.js";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("../load/calls.js", import.meta.url));

/**
 * Calls of one kind, from a separate process.
 *
 * @typedef {object} Calls
 * @property {"invoke" | "create" | "export" | "revoke"} kind
 * @property {readonly string[]} urls of the services, which are called in turn
 * @property {string} tokens a file with one token a line, which are used in turn; to revoke, each once
 * @property {string} [uri] of the target that is exported
 * @property {number} callers
 * @property {number} seconds it ends earlier when all tokens were revoked
 * @property {number} [amount] of calls, after which it ends too
 * @property {number} [rate] calls a second; absent: each caller's next one when the last has ended
 * @property {string} [revokeTokens] a file for the tokens that revoke what was created
 * @property {number} warmSeconds before, which do not count
 */

/**
 * Latencies in milliseconds; `failed` are not among the others.
 *
 * @typedef {{ total: number, failed: number, perSecond: number, p50: number, p99: number }} CallsMeasured
 */

/** @typedef {CallsMeasured & { nodeMicroseconds: number, serverMicroseconds: number }} CallsCost CPU time of a call */

/** An overloaded service refuses some calls, which is counted. If it refuses more, there is nothing to measure. */
const MAX_FAILED = 0.05;

/**
 * @param {Omit<Calls, "warmSeconds">} calls
 * @param {{ nodes: readonly { pid: number }[], server?: { pid: number } | undefined }} programs whose CPU time is measured
 * @returns {Promise<CallsCost>}
 */
export async function measureCalls(calls, { nodes, server }) {
  const read = () => ({
    nodes: nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
    server: server === undefined ? 0 : cpuSeconds(server.pid),
  });
  const before = read();
  const measured = await makeCalls({ ...calls, warmSeconds: 0 });
  const after = read();
  return {
    ...measured,
    nodeMicroseconds: ((after.nodes - before.nodes) * 1e6) / measured.total,
    serverMicroseconds: ((after.server - before.server) * 1e6) / measured.total,
  };
}

/**
 * @param {Calls} calls
 * @returns {Promise<CallsMeasured>}
 */
export async function makeCalls(calls) {
  const env = { ...process.env, CALLS: JSON.stringify(calls) };
  const { stdout } = await run(process.execPath, [PROGRAM], { env });
  const { firstFailure, seconds, ...measured } = JSON.parse(stdout);
  const all = measured.failed + measured.total;
  if (measured.total === 0 || measured.failed > MAX_FAILED * all) {
    throw new Error(`${measured.failed} of ${all} calls (${calls.kind}) failed: ${firstFailure}`);
  }
  return { ...measured, perSecond: measured.total / seconds };
}

/**
 * Writes tokens to a file, from which the calls take them: they must not be in the list of processes.
 *
 * @param {string} name
 * @param {readonly string[]} tokens
 */
export async function writeTokens(name, tokens) {
  const file = join(directory, name);
  await writeFile(file, `${tokens.join("\n")}\n`);
  return file;
}
