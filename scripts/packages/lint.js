import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ROOT } from "./pack.js";
import { run } from "./run.js";

/** @import { Packed } from "./pack.js" */

const ATTW = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");

/**
 * Messages that are expected: code to the reason.
 *
 * @type {ReadonlyMap<string, string>}
 */
const INTENDED = new Map();

/**
 * Runs two linters for packages.
 *
 * @param {Packed} packed
 * @returns {Promise<string[]>} their messages.
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
 * Checks that the types of each entry point match its code, for packages that can be imported.
 *
 * @param {Packed} packed
 */
async function askAttw({ tarball, manifest }) {
  if (Object.keys(manifest.exports ?? {}).length === 0) return [];
  const words = [ATTW, tarball, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"];
  const { ok, output } = await run(process.execPath, words, { cwd: ROOT });
  return ok ? [] : [`attw: ${output}`];
}
