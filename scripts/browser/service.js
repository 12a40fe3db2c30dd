import { execFile, spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readyPort } from "../ready-port.js";

/** What the service is called; the browser is told which port of this machine has this name. */
export const AUTHORITY = "membrane.test";

const MEMBRANE = fileURLToPath(new URL("../../packages/service/bin/membrane.js", import.meta.url));

/**
 * A service on a free port of loopback, with a certificate of its own private CA.
 *
 * @typedef {{
 *   port: number,
 *   publicKeyHash: string,
 *   capabilities: { create: string, query: string },
 *   end: () => Promise<void>,
 * }} Service `publicKeyHash` is of its certificate, SHA-256 in base64.
 */

/**
 * @param {{ directory: string, target: string, seconds: number }} options `target`: the one address that exports may name.
 * @returns {Promise<Service>}
 */
export async function startService({ directory, target, seconds }) {
  const data = join(directory, "data");
  const flags = ["--data", data, "--authority", AUTHORITY];
  const bounds = {
    env: { ...process.env, HOME: directory },
    timeout: seconds * 1000,
    killSignal: /** @type {const} */ ("SIGKILL"),
  };
  const made = await promisify(execFile)(process.execPath, [MEMBRANE, "init", ...flags, "--json"], bounds);
  /** @type {Pick<Service, "capabilities">} */
  const { capabilities } = JSON.parse(made.stdout);
  const words = [MEMBRANE, "serve", ...flags, "--listen", "127.0.0.1:0", "--allow-target", target];
  const service = spawn(process.execPath, words, { ...bounds, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(service, "exit");
  const port = await readyPort(service.stderr);
  return {
    port,
    publicKeyHash: hashPublicKey(await readFile(join(data, "tls", "leaf.pem"), "utf8")),
    capabilities,
    async end() {
      service.kill("SIGTERM");
      await exited;
    },
  };
}

/** @param {string} pem */
function hashPublicKey(pem) {
  const { publicKey } = new X509Certificate(pem);
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
}
