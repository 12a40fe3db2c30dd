import { readFileSync } from "node:fs";
import { licenseTable, unknownLicenses } from "../packages/licenses.js";
import { productionTree } from "../packages/production-tree.js";

/**
 * The table of what a production install has.
 *
 * @param {string} root
 * @throws Error that names a package whose license is not on the list.
 */
export function licenses(root) {
  const tree = productionTree(JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")).packages);
  const [unknown] = unknownLicenses(tree);
  if (unknown !== undefined) throw new Error(unknown);
  return licenseTable(tree);
}
