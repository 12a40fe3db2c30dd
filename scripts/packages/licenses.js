/** @import { Needed } from "./production-tree.js" */

/** SPDX identifiers of the licenses that let this program be used, changed and passed on under its license, Apache-2.0. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT",
  "Unlicense",
]);

/**
 * Lists the packages whose license is not on the list.
 *
 * @param {ReadonlyMap<string, Needed>} tree
 * @returns {string[]}
 */
export function unknownLicenses(tree) {
  return Array.from(tree.values())
    .filter(({ license }) => !ALLOWED.has(license))
    .map(
      ({ name, version, license }) =>
        `${name} ${version} has the license ${license}: read it, then add it to scripts/packages/licenses.js, or do without the package`,
    );
}

/**
 * The table of docs/licenses.md.
 *
 * @param {ReadonlyMap<string, Needed>} tree
 */
export function licenseTable(tree) {
  const rows = Array.from(tree)
    .filter(([path]) => path.includes("node_modules/"))
    .map(
      ([, { name, version, license, neededBy }]) =>
        `| \`${name}\` | ${version} | ${license} | ${neededBy.map((by) => `\`${by}\``).join(", ")} |`,
    );
  return [
    "| package | version | license | needed by |",
    "|---|---|---|---|",
    ...new Set(rows.toSorted()),
  ].join("\n");
}
