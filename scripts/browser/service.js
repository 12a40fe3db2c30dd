import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startMembrane } from "../start-membrane.js";

/** The service's name, which the browser maps to a port of this machine. */
export const AUTHORITY = "membrane.test";

/** @typedef {import("../start-membrane.js").Membrane & { publicKeyHash: string }} Service SHA-256 in base64, of its certificate */

/**
 * @param {{ directory: string, target: string }} options `target`: the only address that exports may name.
 * @returns {Promise<Service>}
 */
export async function startService({ directory, target }) {
  const flags = ["--allow-target", target];
  const service = await startMembrane({ home: directory, authority: AUTHORITY, flags });
  const leaf = await readFile(join(directory, "data", "tls", "leaf.pem"), "utf8");
  return { ...service, publicKeyHash: hashPublicKey(leaf) };
}

/** @param {string} pem */
function hashPublicKey(pem) {
  const { publicKey } = new X509Certificate(pem);
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
}
