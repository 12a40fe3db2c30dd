// Checks that every package of a lock file has the digest that npm compares with its download.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** @typedef {{ link?: boolean, integrity?: string }} Entry */

const files = execFileSync("git", ["ls-files", "--", "package-lock.json", "**/package-lock.json"])
  .toString()
  .trim()
  .split("\n");
const missing = files.flatMap((file) => {
  /** @type {{ packages: Record<string, Entry> }} */
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  return Object.entries(packages)
    .filter(([path, { link, integrity }]) => isInstalled(path) && link !== true && integrity === undefined)
    .map(([path]) => `${file}: ${path} has no integrity`);
});
if (missing.length > 0) {
  console.error(missing.join("\n"));
  process.exit(1);
}
console.log(`${files.length} lock files: every package has its integrity.`);

/** Lock files also list the packages of this repository, by their folders. @param {string} path */
function isInstalled(path) {
  return path.includes("node_modules/");
}
