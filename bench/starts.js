// `npm run bench:starts [-- WORD…]`: what it costs to start a command, compared with an empty program of Node.js. With words, only the
// rows whose names hold one of them.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chosenOf } from "./chosen.js";
import { isNoisy, median, quartiles } from "./measure/statistics.js";
import { withQuartiles } from "./report/table.js";

const run = promisify(execFile);
const pairs = Number(process.env["BENCH_PAIRS"] ?? 31);

/** Another checkout that is built, in place of this one. */
const ROOT = process.env["BENCH_CHECKOUT"] ?? fileURLToPath(new URL("..", import.meta.url));
const CAPI = join(ROOT, "packages/cli/bin/capi.js");
const MEMBRANE = join(ROOT, "packages/service/bin/membrane.js");

/** A command line of each kind that needs no service. @type {readonly (readonly [name: string, args: readonly string[]])[]} */
const ROWS = [
  ["capi --version", [CAPI, "--version"]],
  ["capi --help", [CAPI, "--help"]],
  ["capi membrane export --help", [CAPI, "membrane", "export", "--help"]],
  ["capi profiles", [CAPI, "profiles"]],
  ["membrane --version", [MEMBRANE, "--version"]],
];

const chosen = chosenOf(
  ROWS.map(([name]) => name),
  process.argv.slice(2),
);

/** @typedef {{ cpu: number, wall: number }} Cost in milliseconds */

const home = await mkdtemp(join(tmpdir(), "membrane-bench-"));
try {
  const measured = [];
  for (const [name, args] of ROWS.filter(([name]) => chosen.includes(name)))
    measured.push({ what: name, ...(await compare(args)) });
  console.log(
    `${pairs} pairs of starts in turn, against node -e 0, ${process.version}, load average ${loadavg()[0]?.toFixed(2)}`,
  );
  console.table(measured);
} finally {
  await rm(home, { recursive: true, force: true });
}

/** @param {readonly string[]} args */
async function compare(args) {
  const [own, empty] = /** @type {[Cost[], Cost[]]} */ ([[], []]);
  // The first start of each reads its files from the disk.
  await start(args);
  for (let pair = 0; pair < pairs; pair += 1) {
    empty.push(await start(["-e", "0"]));
    own.push(await start(args));
  }
  /** @param {keyof Cost} kind */
  const ratio = (kind) => quartiles(own.map((cost, at) => cost[kind] / (empty[at]?.[kind] ?? Number.NaN)));
  return {
    "CPU ratio": withQuartiles(ratio("cpu")),
    "wall ratio": withQuartiles(ratio("wall")),
    "CPU ms": median(own.map(({ cpu }) => cpu)).toFixed(1),
    "its CPU ms": median(empty.map(({ cpu }) => cpu)).toFixed(1),
    machine: isNoisy(ratio("cpu")) || isNoisy(ratio("wall")) ? "too noisy" : "quiet",
  };
}

/**
 * Runs Node.js until it ends. The shell says what that took, to the millisecond: the kernel's own list of processes has only ticks of ten.
 *
 * @param {readonly string[]} args
 * @returns {Promise<Cost>}
 */
async function start(args) {
  const script = `TIMEFORMAT="%3U %3S %3R"; time "$0" "$@" >/dev/null`;
  const env = { HOME: home, PATH: process.env["PATH"] ?? "", LC_ALL: "C" };
  const { stderr } = await run("bash", ["-c", script, process.execPath, ...args], { env });
  const [user, system, wall] = stderr
    .trim()
    .split(" ")
    .map((seconds) => Number(seconds) * 1_000);
  if (user === undefined || system === undefined || wall === undefined || Number.isNaN(wall))
    throw new Error(`${args.join(" ")} failed: ${stderr}`);
  return { cpu: user + system, wall };
}
