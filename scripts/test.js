// Builds, then runs the tests of projects in vitest.config.ts: node scripts/test.js PROJECT… [arguments of vitest].
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The time of each project on two idle cores, in seconds. @type {ReadonlyMap<string, number>} */
const SECONDS = new Map([
  ["unit", 60],
  ["service", 300],
  ["crash", 150],
  ["late", 300],
  ["clients", 90],
  ["fuzz", 15],
  ["nginx", 15],
  ["older", 30],
  ["programs", 60],
]);

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const projects = words.filter((word) => SECONDS.has(word));
const rest = words.filter((word) => !SECONDS.has(word));

run("npm", ["run", "--silent", "build"]);
if (rest.length === 0) {
  const seconds = projects.reduce((sum, project) => sum + (SECONDS.get(project) ?? 0), 0);
  const time = seconds < 60 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  console.log(`The tests of ${projects.join(", ")} take about ${time} on two idle cores.`);
}
run(process.execPath, [
  "node_modules/vitest/vitest.mjs",
  "run",
  ...projects.flatMap((project) => ["--project", project]),
  ...rest,
]);

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
