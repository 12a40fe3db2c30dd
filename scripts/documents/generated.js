import { readFileSync, writeFileSync } from "node:fs";
import { findOlderShape } from "../../bench/results.js";
import { goalsTable } from "../../bench/report/markdown.js";
import { errorTable } from "./errors.js";
import { EXPORT_SCHEMA } from "./export-schema.js";
import { licenses } from "./licenses.js";
import { limitTables } from "./limits.js";
import { metricsTable } from "./metrics.js";
import { openApi } from "./openapi.js";
import { scalingTables } from "./scaling.js";
import { THEMES, drawSequence, parseSequence } from "./sequence.js";
import { sizingTables } from "./sizing.js";

const SEQUENCE = "docs/images/request-path.txt";
const LANES = ["Owner", "Client", "Membrane Service", "Target"];
const LICENSES = "docs/licenses.md";
const RECORD = "bench/results.json";
const BENCH = "bench/README.md";
const SIZING = "docs/sizing.md";
const SCALING = "docs/scaling.md";
const EXPORT_SCHEMA_FILE = "docs/schema/export.json";
const CONFIGURATION = "docs/configuration.md";
const MONITORING = "docs/monitoring.md";
const HTTP_API = "docs/http-api.md";
const OPENAPI = "docs/openapi.yaml";

/**
 * Generates the pictures of the README from their text, the goals of the bench and the tables of the sizing and the scaling page from the bench's results,
 * that of the licenses from the lock file, those of the limits, of the metrics and of the errors from the service, the schema of an export from the bounds of its parser, and the
 * OpenAPI document from all of these.
 *
 * @param {string} root
 * @returns {[string, string][]} paths and contents
 */
function generated(root) {
  const steps = parseSequence(readFileSync(root + SEQUENCE, "utf8"));
  const results = JSON.parse(readFileSync(root + RECORD, "utf8"));
  const postgres = JSON.parse(readFileSync(`${root}bench/postgres/results.json`, "utf8"));
  return [
    ...Object.entries(THEMES).map(([name, theme]) => pictureOf(name, drawSequence(steps, LANES, theme))),
    withPart(root, BENCH, "goals", goalsTable(results)),
    withPart(root, SIZING, "sizing", sizingTables(results)),
    withPart(root, LICENSES, "licenses", licenses(root)),
    withPart(root, SCALING, "scaling", scalingTables(postgres)),
    withPart(root, CONFIGURATION, "limits", limitTables()),
    withPart(root, MONITORING, "metrics", metricsTable()),
    withPart(root, HTTP_API, "errors", errorTable()),
    [EXPORT_SCHEMA_FILE, `${JSON.stringify(EXPORT_SCHEMA, undefined, 2)}\n`],
    [OPENAPI, openApi(JSON.parse(readFileSync(`${root}package.json`, "utf8")).version)],
  ];
}

/**
 * A page with its generated part, which two comments enclose.
 *
 * @param {string} root
 * @param {string} path
 * @param {string} name
 * @param {string} content
 * @returns {[string, string]}
 */
function withPart(root, path, name, content) {
  const page = readFileSync(root + path, "utf8");
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${path}: expected ${begin} and ${end}`);
  return [path, `${page.slice(0, from)}${begin}\n${content}\n${page.slice(to)}`];
}

/**
 * @param {string} theme
 * @param {string} svg
 * @returns {[string, string]}
 */
function pictureOf(theme, svg) {
  return [`docs/images/request-path-${theme}.svg`, svg];
}

/**
 * Writes the generated files. If the bench's record is of an older bench, its pages stay as they are.
 *
 * @param {string} root
 * @returns {string | undefined} the problem with the record
 */
export function writeGenerated(root) {
  const problem = findOlderShape(JSON.parse(readFileSync(root + RECORD, "utf8")));
  const kept = new Set(problem === undefined ? [] : [BENCH, SIZING]);
  for (const [path, content] of generated(root)) if (!kept.has(path)) writeFileSync(root + path, content);
  return problem;
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
