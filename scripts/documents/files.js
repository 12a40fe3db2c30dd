import { readdirSync } from "node:fs";

const SKIPPED = new Set(["node_modules", "dist", ".git", "membrane-data", "coverage", "api"]);

/**
 * Lists the documents of the checkout, by their paths from its root.
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
/**
 * Removes the code from a document. Line breaks stay, so that line numbers are valid.
 *
 * @param {string} text
 */
export function prose(text) {
  return text
    .replaceAll(/^```[\s\S]*?^```/gm, blank)
    .replaceAll(/^ {4}\S.*$/gm, blank)
    .replaceAll(/`[^`\n]*`/g, blank)
    .replaceAll(/\]\([^)\n]*\)/g, "]");
}

/** @param {string} text */
function blank(text) {
  return text.replaceAll(/[^\n]/g, " ");
}
