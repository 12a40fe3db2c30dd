import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ROOT } from "./pack.js";
import { run } from "./run.js";

/** @import { Packed } from "./pack.js" */

const ATTW = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");

/**
 * What is known and meant: code of the message to the reason.
 *
 * @type {ReadonlyMap<string, string>}
 */
const INTENDED = new Map();

/**
 * Asks two linters of packages.
 *
 * @param {Packed} packed
 * @returns {Promise<string[]>} what they complain of.
 */
export async function lintTarball(packed) {
  return [...(await askPublint(packed)), ...(await askAttw(packed))];
}

/** @param {Packed} packed */
async function askPublint({ tarball }) {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(await readFile(tarball)).buffer },
    strict: true,
  });
  return messages
    .filter(({ code }) => !INTENDED.has(code))
    .map((message) => `publint: ${message.code}: ${formatMessage(message, pkg, { color: false }) ?? ""}`);
}

/**
 * Whether the types of each entry point are what its code is. Only of packages that can be imported.
 *
 * @param {Packed} packed
 */
async function askAttw({ tarball, manifest }) {
  if (Object.keys(manifest.exports ?? {}).length === 0) return [];
  const words = [ATTW, tarball, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"];
  const { ok, output } = await run(process.execPath, words, { cwd: ROOT });
  return ok ? [] : [`attw: ${output}`];
}
