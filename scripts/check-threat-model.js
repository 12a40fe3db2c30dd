// Every row of docs/threat-model.md names where a property is enforced and which test shows it. Checks that the files exist and
// that the tests have these titles, so that the page cannot promise a property that no test shows.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${root}docs/threat-model.md`, "utf8");
const problems = [];
let rows = 0;

/**
 * Finds a file: `folder/file` in the service's source, `file` in its tests, `package/src/file` elsewhere.
 *
 * @param {string} name
 * @param {string} ending
 */
function fileOf(name, ending) {
  const places = [
    `packages/service/src/${name}`,
    `packages/service/test/${name}`,
    `packages/service/${name}`,
  ];
  const found = [...places, `packages/${name}`, name].map((path) => path + ending);
  return found.find((path) => existsSync(root + path));
}

/**
 * Reads a test file together with the tables of its package from which its titles are made.
 *
 * @param {string} file
 */
function withTables(file) {
  const text = readFileSync(root + file, "utf8");
  const imported = text.matchAll(/ from "(\.{1,2}\/(?:[\w-]+\/)*[\w.-]+\.ts)"/g);
  const tables = Array.from(imported, ([, name]) =>
    readFileSync(join(root, dirname(file), name ?? ""), "utf8"),
  );
  return [text, ...tables].join("\n");
}

for (const line of page.split("\n")) {
  const [property = "", , enforced, shownBy] = line.split(" | ");
  if (!property.startsWith("| ") || enforced === undefined || !shownBy || shownBy.startsWith("shown by"))
    continue;
  rows += 1;
  for (const [, name] of enforced.matchAll(/`([^`]+)`/g)) {
    if (name === undefined || fileOf(name, "") === undefined) problems.push(`${name}: no such file`);
  }
  for (const shown of shownBy.split(/; (?=`)/)) {
    const name = /^`([^`]+)`/.exec(shown)?.[1];
    const file = name === undefined ? undefined : fileOf(name, ".test.ts");
    if (name !== undefined && name !== "npm ci" && file === undefined) problems.push(`${name}: no such test`);
    if (file === undefined) continue;
    const text = withTables(file);
    for (const [, title = ""] of shown.matchAll(/\*([^*]+)\*/g)) {
      if (!text.includes(title)) problems.push(`${name}: no test of the title "${title}"`);
    }
  }
}

if (rows < 60) problems.push(`only ${rows} rows were understood`);
for (const problem of problems) console.error(`docs/threat-model.md: ${problem}`);
if (problems.length === 0) console.log(`docs/threat-model.md: ${rows} rows name files and tests that exist.`);
process.exitCode = problems.length === 0 ? 0 : 1;
