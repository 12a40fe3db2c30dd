// Runs tests on other versions of Node.js than the installed one: npm run test:nodes [-- --all] [22 24 26].
// The versions are npm packages, pinned in nodes/package-lock.json. Without --all it runs the tests that depend most on Node.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expectFiles } from "./test-words.js";

const VERSIONS = ["22", "24", "26"];

/** Conformance, security, life cycle: each word is a part of the paths of test files. */
const SUITES = [
  // How Node parses and writes HTTP.
  "service/test/conformance/",
  // Attacks.
  "service/test/security/",
  "src/egress/",
  "src/http1/",
  "src/tls/",
  // The life cycle of capabilities.
  "lifecycle/lifecycle",
  "cli/test/life-cycle",
  "service/test/lifecycle/lineage.test",
  "service/test/lifecycle/workers.test",
  "service/test/lifecycle/commands.test",
  "cli/test/request.test",
  "sdk/test/",
];

const root = fileURLToPath(new URL("..", import.meta.url));
const nodes = join(root, "scripts/nodes");
/** All projects except those with other programs (metrics, nginx, programs), which are tested on one version. */
const PROJECTS = ["unit", "service", "service-shared", "crash", "clients", "fuzz"].flatMap((name) => [
  "--project",
  name,
]);
/** Tests of HTTP often wait, for a limit or another process: two at a time leave two cores idle then. */
const WORKERS = "--maxWorkers=3";
const words = process.argv.slice(2);
const isAll = words.includes("--all");
const chosen = words.filter((word) => word !== "--all");

if (!isAll) expectFiles(root, PROJECTS, SUITES);
if (!existsSync(join(nodes, "node_modules"))) execFileSync("npm", ["ci"], { cwd: nodes, stdio: "inherit" });
for (const version of chosen.length === 0 ? VERSIONS : chosen) {
  const directory = join(nodes, "node_modules", `node${version}-${process.platform}-${process.arch}`, "bin");
  const node = join(directory, "node");
  if (!existsSync(node)) {
    console.error(
      `Node.js ${version} is not in scripts/nodes/package.json for ${process.platform} ${process.arch}`,
    );
    process.exit(1);
  }
  console.log(`Node.js ${execFileSync(node, ["--version"]).toString().trim()}`);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { status } = spawnSync(node, [vitest, "run", ...PROJECTS, ...(isAll ? [] : [WORKERS, ...SUITES])], {
    cwd: root,
    stdio: "inherit",
    // Programs that tests start by name have the same version.
    env: { ...process.env, PATH: `${directory}${delimiter}${process.env["PATH"]}` },
  });
  if (status !== 0) process.exit(1);
}
