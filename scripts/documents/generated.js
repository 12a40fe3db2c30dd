import { readFileSync, writeFileSync } from "node:fs";
import { THEMES, drawSequence, parseSequence } from "./sequence.js";
import { sizingTables } from "./sizing.js";

const SEQUENCE = "docs/images/request-path.txt";
const LANES = ["Owner", "Client", "Membrane Service", "Target"];
const SIZING = "docs/sizing.md";

/**
 * Generates the pictures of the README from their text, and the tables of the sizing page from the bench's results.
 *
 * @param {string} root
 * @returns {[string, string][]} paths and contents
 */
function generated(root) {
  const steps = parseSequence(readFileSync(root + SEQUENCE, "utf8"));
  const results = JSON.parse(readFileSync(`${root}bench/results.json`, "utf8"));
  const page = readFileSync(root + SIZING, "utf8");
  const tables = `<!-- sizing -->\n${sizingTables(results)}\n<!-- /sizing -->`;
  return [
    ...Object.entries(THEMES).map(([name, theme]) => pictureOf(name, drawSequence(steps, LANES, theme))),
    [SIZING, page.replace(/<!-- sizing -->[\s\S]*<!-- \/sizing -->/, () => tables)],
  ];
}

/**
 * @param {string} theme
 * @param {string} svg
 * @returns {[string, string]}
 */
function pictureOf(theme, svg) {
  return [`docs/images/request-path-${theme}.svg`, svg];
}

/** @param {string} root */
export function writeGenerated(root) {
  for (const [path, content] of generated(root)) writeFileSync(root + path, content);
}

/**
 * Lists the generated files that are out of date.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function staleFiles(root) {
  return generated(root)
    .filter(([path, content]) => readFileSync(root + path, "utf8") !== content)
    .map(([path]) => `${path}: differs from what is generated; run npm run documents`);
}
