import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { filesReadBy, importsOf, packageOf } from "./imports.js";

/** @import { Exports, Manifest, Packed } from "./pack.js" */

const ALWAYS = ["package.json", "README.md", "LICENSE"];
const EXECUTABLE = 0o111;

/**
 * Compares the files of a tarball with those that its entry points import. A file that is not imported is a test, a tool or the
 * output of a source that was deleted; a missing file breaks its importers.
 *
 * @param {Packed} packed
 * @returns {Promise<string[]>} the problems.
 */
export async function findMisplaced(packed) {
  const files = new Map(packed.files.map(({ path, mode }) => [path, mode]));
  const bins = Object.values(packed.manifest.bin ?? {}).filter((path) => files.has(path));
  const reached = await reach(packed, files);
  const needed = new Map([
    ...ALWAYS.map((path) => /** @type {const} */ ([path, "every package"])),
    ...reached.needed,
  ]);
  return [
    ...[...needed]
      .filter(([path]) => !files.has(path))
      .map(([path, by]) => `${path} is not packed; ${by} needs it`),
    ...[...files.keys()]
      .filter((path) => !needed.has(path))
      .map((path) => `${path} is packed, and nothing needs it`),
    ...checkDependencies(packed.manifest, reached.packages),
    ...(await Promise.all(bins.map((path) => checkBin(packed, path, files.get(path) ?? 0)))).flat(),
  ];
}

/**
 * Follows the imports of code and declarations from the entry points: a module with only types is imported by declarations only.
 *
 * @param {Packed} packed
 * @param {ReadonlyMap<string, unknown>} files
 */
async function reach(packed, files) {
  /** @type {Map<string, string>} path to the file that needs it */
  const needed = new Map();
  /** @type {Map<string, string>} bare import to the file that has it */
  const packages = new Map();
  const bins = new Set(Object.values(packed.manifest.bin ?? {}).map((path) => posix.normalize(path)));
  const queue = entriesOf(packed.manifest).map((path) => ({ path, by: "package.json" }));
  for (const { path, by } of queue) {
    if (needed.has(path)) continue;
    needed.set(path, by);
    if (!files.has(path)) continue;
    // This package.json says that the programs in its folder are CommonJS.
    if (bins.has(path)) queue.push({ path: posix.join(posix.dirname(path), "package.json"), by: path });
    if (path.startsWith("dist/") && path.endsWith(".js"))
      queue.push({ path: declarationsOf(path), by: path });
    const text = await readFile(join(packed.directory, path), "utf8");
    for (const pattern of filesReadBy(text, posix.dirname(path))) {
      const read = [...files.keys()].filter((file) => pattern.test(file));
      if (read.length === 0) needed.set(pattern.source, path);
      read.forEach((file) => needed.set(file, path));
    }
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".")) packages.set(specifier, path);
      // Declarations keep the names of the sources.
      else queue.push({ path: posix.join(posix.dirname(path), specifier.replace(/\.ts$/, ".js")), by: path });
    }
  }
  return { needed, packages };
}

/** @param {string} path */
function declarationsOf(path) {
  return path.replace(/\.js$/, ".d.ts");
}

/** @param {Manifest} manifest */
function entriesOf({ bin = {}, exports = {} }) {
  return [...Object.values(bin), ...leavesOf(exports)].map((path) => posix.normalize(path));
}

/**
 * @param {Exports} exports
 * @returns {string[]}
 */
function leavesOf(exports) {
  return typeof exports === "string" ? [exports] : Object.values(exports).flatMap(leavesOf);
}

/**
 * @param {Manifest} manifest
 * @param {ReadonlyMap<string, string>} imported
 */
function checkDependencies({ dependencies = {} }, imported) {
  const foreign = [...imported].filter(
    ([specifier]) => !(specifier.startsWith("node:") && isBuiltin(specifier)),
  );
  const used = new Set(foreign.map(([specifier]) => packageOf(specifier)));
  return [
    ...foreign
      .filter(([specifier]) => !(packageOf(specifier) in dependencies))
      .map(([specifier, path]) => `${path} imports ${specifier}, which is not a dependency`),
    ...Object.keys(dependencies)
      .filter((name) => !used.has(name))
      .map((name) => `${name} is a dependency, and nothing imports it`),
  ];
}

/**
 * @param {Packed} packed
 * @param {string} path
 * @param {number} mode
 */
async function checkBin(packed, path, mode) {
  const text = await readFile(join(packed.directory, path), "utf8");
  return [
    ...((mode & EXECUTABLE) === EXECUTABLE ? [] : [`${path} is not executable`]),
    ...(text.startsWith("#!/usr/bin/env node\n") ? [] : [`${path} does not begin with #!/usr/bin/env node`]),
  ];
}
