import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.js";

/**
 * A workspace and its tarball.
 *
 * @typedef {{
 *   name: string,
 *   version: string,
 *   directory: string,
 *   manifest: Manifest,
 *   tarball: string,
 *   files: readonly { path: string, mode: number }[],
 * }} Packed
 */

/**
 * The fields of package.json that determine what is public.
 *
 * @typedef {{
 *   name: string,
 *   version: string,
 *   bin?: Readonly<Record<string, string>>,
 *   exports?: Exports,
 *   dependencies?: Readonly<Record<string, string>>,
 * }} Manifest
 */

/** @typedef {string | { readonly [condition: string]: Exports }} Exports */

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param {string} destination folder for the tarballs.
 * @param {{ root?: string, shell?: string }} [options] `root` is the root of another copy of the repository; `shell` is a script of bash that
 *   executes its arguments.
 * @returns {Promise<readonly Packed[]>}
 */
export async function pack(destination, { root = ROOT, shell = 'exec "$@"' } = {}) {
  const words = ["pack", "--workspaces", "--json", "--ignore-scripts", "--pack-destination", destination];
  const { ok, stdout, output } = await run("bash", ["-c", shell, "bash", "npm", ...words], { cwd: root });
  if (!ok) throw new Error(output);
  /** @type {{ name: string, version: string, filename: string, files: Packed["files"] }[]} */
  const tarballs = JSON.parse(stdout);
  const workspaces = await readWorkspaces(root);
  return tarballs.map(({ name, version, filename, files }) => {
    const workspace = workspaces.get(name);
    if (workspace === undefined) throw new Error(`${name} was packed, and no workspace has this name`);
    const { directory, manifest } = workspace;
    return { name, version, directory, manifest, tarball: join(destination, filename), files };
  });
}

/** @param {string} root @returns {Promise<ReadonlyMap<string, { directory: string, manifest: Manifest }>>} */
async function readWorkspaces(root) {
  /** @type {{ workspaces: string[] }} */
  const { workspaces } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const entries = workspaces.map(async (path) => {
    const directory = join(root, path);
    /** @type {Manifest} */
    const manifest = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
    return /** @type {const} */ ([manifest.name, { directory, manifest }]);
  });
  return new Map(await Promise.all(entries));
}
