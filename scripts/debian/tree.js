import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { pack, ROOT } from "../packages/pack.js";
import { run } from "../packages/run.js";

/** Files that no program reads while it runs: declarations, maps, pages, and a binary for another C library. */
const UNUSED = /\.d\.[cm]?ts$|\.map$|\.html$|\.musl\.node$|^\.git|^\.package-lock\.json$/;

/** What is there to compile what is there compiled, and links to programs that nothing calls. */
const UNUSED_FOLDERS = ["node-addon-api", "lmdb/dependencies", "lmdb/src", ".bin"].map(
  (name) => `node_modules/${name}`,
);

/**
 * Installs the packages as they would be published, with those that they need, in the versions of package-lock.json.
 *
 * @param {string} directory where they are put; it must exist.
 * @param {string} temporary for the tarballs.
 */
export async function installTree(directory, temporary) {
  for (const { directory: workspace, tarball } of await pack(temporary)) {
    const path = join(directory, "packages", basename(workspace));
    await mkdir(path, { recursive: true });
    await runOrThrow("tar", ["-xzf", tarball, "--strip-components=1", "-C", path], directory);
  }
  for (const name of ["package.json", "package-lock.json"]) await cp(join(ROOT, name), join(directory, name));
  const options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await runOrThrow("npm", ["ci", ...options], directory);
  const names = ["package.json", "package-lock.json", ...UNUSED_FOLDERS];
  await Promise.all(names.map((name) => rm(join(directory, name), { recursive: true })));
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && UNUSED.test(entry.name)) await rm(join(entry.parentPath, entry.name));
}

/**
 * The packages of npm in a tree, by name.
 *
 * @param {string} directory
 * @returns {Promise<readonly { path: string, name: string, version: string, license: string }[]>}
 */
export async function listPackages(directory) {
  const files = await readdir(join(directory, "node_modules"), { recursive: true });
  const manifests = files.filter((file) => /(?:^|\/)(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(file));
  const found = [];
  for (const file of manifests.toSorted()) {
    /** @type {{ name?: string, version?: string, license?: string }} */
    const { name, version, license } = JSON.parse(
      await readFile(join(directory, "node_modules", file), "utf8"),
    );
    // Folders of a package may have a package.json that only says how Node.js reads their files.
    if (name === undefined || version === undefined) continue;
    found.push({ path: join("node_modules", file, ".."), name, version, license: license ?? "unknown" });
  }
  return found;
}

/** @param {string} program @param {string[]} words @param {string} cwd */
async function runOrThrow(program, words, cwd) {
  const { ok, output } = await run(program, words, { cwd, seconds: 300 });
  if (!ok) throw new Error(output);
}
