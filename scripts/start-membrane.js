import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MEMBRANE = fileURLToPath(new URL("../packages/service/bin/membrane.js", import.meta.url));
const INIT_MS = 60_000;

/**
 * @typedef {object} Membrane
 * @property {{ create: string, query: string, deleteSelf: string }} capabilities of the first tenant
 * @property {string} ca file of the private CA's certificate
 * @property {number} port of loopback
 * @property {() => Promise<void>} end
 */

/**
 * Starts a separate service with a certificate of its private CA, in a directory that is also the home directory with the profile
 * of capi.
 *
 * @param {{ home: string, authority: string, flags?: readonly string[], environment?: Readonly<Record<string, string>> }} options
 * @returns {Promise<Membrane>}
 */
export async function startMembrane({ home, authority, flags = [], environment = {} }) {
  const data = ["--data", join(home, "data"), "--authority", authority];
  const env = { ...process.env, HOME: home };
  const { stdout } = await promisify(execFile)(process.execPath, [MEMBRANE, "init", ...data, "--json"], {
    env,
    timeout: INIT_MS,
  });
  /** @type {Pick<Membrane, "capabilities" | "ca">} */
  const { capabilities, ca } = JSON.parse(stdout);
  const words = [MEMBRANE, "serve", ...data, "--listen", "127.0.0.1:0", ...flags];
  const service = spawn(process.execPath, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...env, ...environment },
  });
  const exited = once(service, "exit");
  return {
    capabilities,
    ca,
    port: await readyPort(service.stderr),
    async end() {
      service.kill("SIGTERM");
      await exited;
    },
  };
}

/**
 * Reads the port of a service from its log, once it is ready.
 *
 * @param {import("node:stream").Readable} log
 * @returns {Promise<number>}
 */
async function readyPort(log) {
  /** @type {string[]} */
  const lines = [];
  for await (const line of createInterface({ input: log })) {
    lines.push(line);
    /** @type {{ msg?: string, port?: number }} */
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.msg !== "ready" || event.port === undefined) continue;
    log.resume();
    return event.port;
  }
  throw new Error(`the service did not start: ${lines.join("\n")}`);
}
