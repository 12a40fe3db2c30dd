// Builds, then runs the tests of parts: node scripts/test.js PART… [arguments of vitest].
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expectFiles } from "./test-words.js";

/** The time of each part on two idle cores, in seconds. @type {ReadonlyMap<string, number>} */
const SECONDS = new Map([
  ["unit", 60],
  ["service", 300],
  ["crash", 150],
  ["libraries", 300],
  ["no-memo", 300],
  ["late", 300],
  ["service-postgres", 300],
  ["clients", 90],
  ["fuzz", 15],
  ["deploy", 150],
  ["faults", 1_500],
  ["metrics", 20],
  ["nginx", 15],
  ["older", 30],
  ["postgres", 90],
  ["programs", 60],
  ["soak", 1_260],
]);

/** The projects in vitest.config.ts of a part that is not the one of its name. @type {ReadonlyMap<string, readonly string[]>} */
const PROJECTS = new Map([
  ["postgres", ["postgres", "debian-postgres", "pgbouncer"]],
  ["service", ["service", "service-shared"]],
]);

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const parts = words.filter((word) => SECONDS.has(word));
const rest = words.filter((word) => !SECONDS.has(word));

run("npm", ["run", "--silent", "build"]);
if (rest.length === 0) {
  const seconds = parts.reduce((sum, part) => sum + (SECONDS.get(part) ?? 0), 0);
  const time = seconds < 60 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  console.log(`The tests of ${parts.join(", ")} take about ${time} on two idle cores.`);
}
const projects = parts
  .flatMap((part) => PROJECTS.get(part) ?? [part])
  .flatMap((project) => ["--project", project]);
// A word after an option may be its value.
const isOption = (word = "") => word.startsWith("-");
expectFiles(
  root,
  projects,
  rest.filter(
    (word, index) => !isOption(word) && (!isOption(rest[index - 1]) || rest[index - 1]?.includes("=")),
  ),
);
run(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...projects, ...rest]);

/**
 * Runs a command, and exits with its status if it fails.
 *
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
