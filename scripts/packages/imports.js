import { posix } from "node:path";

// The compiler writes one import a statement, each at the beginning of a line; `import("…")` may stand anywhere.
const FROM = /^(?:import|export)\s[\w\s{},*$]*?from\s+["']([^"']+)["']/gm;
const ALONE = /^import\s+["']([^"']+)["']/gm;
const CALL = /\bimport\(["']([^"']+)["']\)/g;
/** The programs begin in CommonJS, which every version of Node.js can read. */
const REQUIRE = /\brequire\(["'](\.[^"']+)["']\)/g;
/** A file that a module reads beside itself; a part of its name may be computed. */
const READ = /\bnew URL\(["'`](\.[^"'`]+)["'`], import\.meta\.url\)/g;
const COMPUTED = /\$\{[^}]*\}/;

/**
 * What a file that the compiler wrote imports, code or declarations.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function importsOf(text) {
  return [FROM, ALONE, CALL, REQUIRE].flatMap((form) =>
    [...text.matchAll(form)].map(([, name = ""]) => name),
  );
}

/**
 * Names of the files that a module reads by a path that starts at its own, each as a pattern.
 *
 * @param {string} text
 * @param {string} directory where the module is.
 * @returns {RegExp[]}
 */
export function filesReadBy(text, directory) {
  return [...text.matchAll(READ)].map(([, path = ""]) => {
    const literals = posix.join(directory, path).split(COMPUTED);
    return new RegExp(`^${literals.map((part) => part.replaceAll(".", "\\.")).join("[^/]+")}$`);
  });
}

/**
 * The package that a bare import names.
 *
 * @param {string} specifier
 */
export function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
