// Checks that every test file belongs to exactly one project of vitest.config.ts: a file in none would never run, and one in two
// would run twice. The files that start first must exist, too.
import { execFileSync } from "node:child_process";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createVitest } from "vitest/node";

/** Projects that run files of another project a second time, with another engine or client. */
const SECOND_RUNS = new Set([
  "libraries",
  "no-memo",
  "late",
  "service-postgres",
  "debian-postgres",
  "pgbouncer",
]);

const root = fileURLToPath(new URL("..", import.meta.url));
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.test.ts"],
  { cwd: root },
)
  .toString()
  .trim()
  .split("\n");

const { projectsOf, longest } = await readProjects();
const problems = longest
  .filter((file) => !files.includes(file))
  .map((file) => `scripts/longest-first.ts names ${file}, which does not exist`);
for (const [file, projects] of projectsOf) {
  const owners = projects.filter((name) => !SECOND_RUNS.has(name));
  if (owners.length === 1) continue;
  const found = owners.length === 0 ? "is in no project" : `is in the projects ${owners.join(" and ")}`;
  problems.push(`${file} ${found} of vitest.config.ts: expected exactly one`);
}
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${files.length} test files: each is in exactly one project.`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** @returns {Promise<{ projectsOf: Map<string, string[]>, longest: readonly string[] }>} the projects of each file, and those that start first */
async function readProjects() {
  const vitest = await createVitest("test", { root, watch: false, reporters: [] });
  try {
    /** @type {Map<string, string[]>} */
    const projectsOf = new Map(files.map((file) => [file, []]));
    for (const { moduleId, project } of await vitest.globTestSpecifications())
      projectsOf.get(relative(root, moduleId))?.push(project.name);
    /** @type {typeof import("./longest-first.ts")} */
    const { LONGEST } = await vitest.import(join(root, "scripts/longest-first.ts"));
    return { projectsOf, longest: LONGEST };
  } finally {
    await vitest.close();
  }
}
