import { posix } from "node:path";

// The compiler writes one import in each statement, at the beginning of a line; `import("…")` may be anywhere.
const FROM = /^(?:import|export)\s[\w\s{},*$]*?from\s+["']([^"']+)["']/gm;
const ALONE = /^import\s+["']([^"']+)["']/gm;
const CALL = /\bimport\(["']([^"']+)["']\)/g;
/** Programs start in CommonJS, which every version of Node.js can parse. */
const REQUIRE = /\brequire\(["'](\.[^"']+)["']\)/g;
/** A file that a module reads by a relative path, a part of which may be computed. */
const READ = /\bnew URL\(["'`](\.[^"'`]+)["'`], import\.meta\.url\)/g;
const COMPUTED = /\$\{[^}]*\}/;

/**
 * Lists the imports of a file that the compiler wrote, code or declarations.
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
 * Returns patterns for the names of the files that a module reads by a path relative to its own.
 *
 * @param {string} text
 * @param {string} directory the module's directory.
 * @returns {RegExp[]}
 */
export function filesReadBy(text, directory) {
  return [...text.matchAll(READ)].map(([, path = ""]) => {
    const literals = posix.join(directory, path).split(COMPUTED);
    return new RegExp(`^${literals.map((part) => part.replaceAll(".", "\\.")).join("[^/]+")}$`);
  });
}

/**
 * Returns the package that a bare import names.
 *
 * @param {string} specifier
 */
export function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
