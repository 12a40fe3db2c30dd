// The compiler writes one import a statement, each at the beginning of a line; `import("…")` may stand anywhere.
const FROM = /^(?:import|export)\s[\w\s{},*$]*?from\s+["']([^"']+)["']/gm;
const ALONE = /^import\s+["']([^"']+)["']/gm;
const CALL = /\bimport\(["']([^"']+)["']\)/g;
/** The programs begin in CommonJS, which every version of Node.js can read. */
const REQUIRE = /\brequire\(["'](\.[^"']+)["']\)/g;

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
