/**
 * What a production install needs of one package of npm, as package-lock.json says.
 *
 * @typedef {{
 *   name: string,
 *   version: string,
 *   license: string,
 *   integrity: string | undefined,
 *   isOptional: boolean,
 *   neededBy: readonly string[],
 *   needs: readonly string[],
 * }} Needed `isOptional` where another platform has another one; `neededBy` names the programs; `needs` has paths in the lock file
 */

/** @typedef {Readonly<Record<string, LockEntry>>} Lock the field `packages` of package-lock.json */

/**
 * @typedef {{
 *   name?: string,
 *   version?: string,
 *   license?: string,
 *   integrity?: string,
 *   resolved?: string,
 *   link?: boolean,
 *   optional?: boolean,
 *   dependencies?: Readonly<Record<string, string>>,
 *   optionalDependencies?: Readonly<Record<string, string>>,
 *   peerDependencies?: Readonly<Record<string, string>>,
 *   peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>,
 * }} LockEntry
 */

/** The programs, by the folders of their packages. */
export const PROGRAMS = new Map([
  ["packages/service", "membrane"],
  ["packages/cli", "capi"],
]);

/**
 * Follows the dependencies of the programs. `npm sbom --omit=dev` leaves out what is also needed to build and test.
 *
 * @param {Lock} lock
 * @returns {ReadonlyMap<string, Needed>} by path in the lock file, in its order; packages of this repository included.
 */
export function productionTree(lock) {
  /** @type {Map<string, string[]>} path to programs */
  const reached = new Map();
  for (const [folder, program] of PROGRAMS)
    for (const path of reach(lock, folder)) reached.set(path, [...(reached.get(path) ?? []), program]);
  const paths = Object.keys(lock).filter((path) => reached.has(path));
  return new Map(paths.map((path) => [path, describe(lock, path, reached.get(path) ?? [])]));
}

/** @param {Lock} lock @param {string} folder @returns {Iterable<string>} paths, the folder first */
function reach(lock, folder) {
  const found = new Set([folder]);
  for (const path of found) for (const needed of needsOf(lock, path)) found.add(needed);
  return found;
}

/** @param {Lock} lock @param {string} path @returns {readonly string[]} */
function needsOf(lock, path) {
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = lock[path] ?? {};
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  const names = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]);
  return [...names].flatMap((name) => {
    const at = resolve(lock, path, name);
    if (at !== undefined) return lock[at]?.link === true ? (lock[at].resolved ?? at) : at;
    if (name in optionalDependencies) return [];
    throw new Error(`package-lock.json: ${path} needs ${name}, which is not there`);
  });
}

/** The nearest one, as Node.js looks for it. @param {Lock} lock @param {string} path @param {string} name */
function resolve(lock, path, name) {
  for (let folder = path; ; folder = folder.replace(/(?:^|\/)[^/]*$/, "")) {
    const at = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (at in lock || folder === "") return at in lock ? at : undefined;
  }
}

/** @param {Lock} lock @param {string} path @param {readonly string[]} neededBy @returns {Needed} */
function describe(lock, path, neededBy) {
  const { name, version, license, integrity, optional } = lock[path] ?? {};
  if (version === undefined) throw new Error(`package-lock.json: ${path} has no version`);
  return {
    name: name ?? path.replace(/^.*node_modules\//, ""),
    version,
    license: license ?? "unknown",
    integrity,
    isOptional: optional === true,
    neededBy,
    needs: needsOf(lock, path),
  };
}
