import { readdirSync } from "node:fs";

const SKIPPED = new Set(["node_modules", "dist", ".git", "membrane-data", "coverage"]);

/**
 * The documents of the checkout, by their paths from its root.
 *
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
export function documents(root, folder = "") {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : documents(root, `${path}/`);
    return path.endsWith(".md") ? [path] : [];
  });
}
