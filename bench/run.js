// `npm run bench`: the service against the floor, in one run. bench/README.md says how each number is taken.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, quartiles } from "./statistics.js";

const run = promisify(execFile);
const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const MEMBRANE = here("../packages/service/bin/membrane.js");

const PAIRS = Number(process.env["BENCH_PAIRS"] ?? 9);
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 3);
const CONNECTIONS = 32;
const CLOCK_TICKS = 100;
/** Where the quartiles of the floor's own cost are further apart than this, the machine was too noisy to compare. */
const NOISE = 0.15;

/** @typedef {{ pid: number, url: string, token: string, end: () => void }} Gateway */
/** @typedef {{ cpu: number, perSecond: number, p50: number, p99: number }} Sample */

const directory = await mkdtemp(join(tmpdir(), "membrane-bench-"));
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
try {
  const target = await start([here("target.js")]);
  const floor = await start([here("floor.js"), String(target.port)]);
  const { plain, signed } = await startService(target.port);
  const rows = [await compare("plain", plain, floor), await compare("signed (aws4)", signed, floor)];
  report(rows);
  await writeFile(
    here("results.json"),
    `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rows }, null, 2)}\n`,
  );
} finally {
  for (const child of children) child.kill("SIGTERM");
  await rm(directory, { recursive: true, force: true });
}

/**
 * Interleaved pairs: whatever the machine's neighbours do falls on both.
 *
 * @param {string} name
 * @param {Gateway} ours
 * @param {Gateway} floor
 */
async function compare(name, ours, floor) {
  await measure(ours, 1);
  await measure(floor, 1);
  /** @type {{ ours: Sample, floor: Sample }[]} */
  const pairs = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    pairs.push({ floor: await measure(floor, SECONDS), ours: await measure(ours, SECONDS) });
  }
  /** @param {(sample: Sample) => number} of */
  const ratio = (of) => quartiles(pairs.map((pair) => of(pair.ours) / of(pair.floor)));
  const spread = quartiles(pairs.map((pair) => pair.floor.cpu));
  return {
    name,
    cpuRatio: ratio(({ cpu }) => cpu),
    throughputRatio: ratio(({ perSecond }) => perSecond),
    ours: summary(pairs.map((pair) => pair.ours)),
    floor: summary(pairs.map((pair) => pair.floor)),
    noisy: (spread.upper - spread.lower) / spread.median > NOISE,
  };
}

/** @param {Sample[]} samples */
function summary(samples) {
  return {
    cpuMicroseconds: median(samples.map(({ cpu }) => cpu)),
    perSecond: median(samples.map(({ perSecond }) => perSecond)),
    p50: median(samples.map(({ p50 }) => p50)),
    p99: median(samples.map(({ p99 }) => p99)),
  };
}

/**
 * @param {Gateway} gateway
 * @param {number} seconds
 * @returns {Promise<Sample>}
 */
async function measure(gateway, seconds) {
  const before = await cpuSeconds(gateway.pid);
  const words = [here("load.js"), gateway.url, gateway.token, String(seconds), String(CONNECTIONS)];
  const { stdout } = await run(process.execPath, words);
  const after = await cpuSeconds(gateway.pid);
  const { total, perSecond, p50, p99, failed } = JSON.parse(stdout);
  if (failed > 0 || total === 0) throw new Error(`${failed} of ${total} requests failed`);
  return { cpu: ((after - before) * 1e6) / total, perSecond, p50, p99 };
}

/**
 * User and system time of a process (proc(5), /proc/pid/stat fields 14 and 15).
 *
 * @param {number} pid
 */
async function cpuSeconds(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** @param {number} targetPort */
async function startService(targetPort) {
  const data = join(directory, "data");
  const { stdout } = await run(process.execPath, [
    MEMBRANE,
    "init",
    "--data",
    data,
    "--authority",
    "bench.test",
    "--no-profile",
    "--json",
  ]);
  const { capabilities } = JSON.parse(stdout);
  const service = await start([
    MEMBRANE,
    "serve",
    "--data",
    data,
    "--authority",
    "bench.test",
    "--listen",
    "127.0.0.1:0",
    "--no-tls",
    "--allow-target",
    "127.0.0.1",
  ]);
  const membrane = await post(service.url, capabilities.create, { id: "bench" });
  const uri = `http://127.0.0.1:${targetPort}/`;
  const hmac = {
    "aws4-hmac-sha256": {
      awsAccessKeyId: "AKIDEXAMPLE",
      region: "us-east-1",
      service: "lambda",
      secretAccessKey: "secret",
    },
  };
  const plain = await post(service.url, membrane.capabilities.export, { uri });
  const signed = await post(service.url, membrane.capabilities.export, { uri, hmac });
  return {
    plain: { ...service, token: tokenOf(plain.capability) },
    signed: { ...service, token: tokenOf(signed.capability) },
  };
}

/**
 * @param {string} url
 * @param {string} capability
 * @param {object} body
 */
async function post(url, capability, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${tokenOf(capability)}` },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${await answer.text()}`);
  /** @type {any} */
  const made = await answer.json();
  return made;
}

/**
 * Starts a program that says its port in a line of JSON.
 *
 * @param {string[]} words
 * @returns {Promise<Gateway & { port: number }>}
 */
async function start(words) {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const port = await Promise.any([portIn(child.stdout), portIn(child.stderr)]);
  return {
    pid: Number(child.pid),
    port,
    url: `http://127.0.0.1:${port}/`,
    token: "",
    end: () => child.kill("SIGTERM"),
  };
}

/** @param {import("node:stream").Readable} output */
async function portIn(output) {
  for await (const line of createInterface({ input: output })) {
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.port === undefined) continue;
    output.resume();
    return event.port;
  }
  throw new Error("a program ended before it was ready");
}

/** @param {string} uri */
function tokenOf(uri) {
  return uri.slice(uri.indexOf("#") + 1);
}

/** @param {Awaited<ReturnType<typeof compare>>[]} rows */
function report(rows) {
  console.log(
    `${PAIRS} interleaved pairs of ${SECONDS} s, ${CONNECTIONS} connections, load average ${loadavg()[0]?.toFixed(2)}`,
  );
  console.table(
    rows.map(({ name, cpuRatio, throughputRatio, ours, floor, noisy }) => ({
      what: name,
      "CPU / floor": `${cpuRatio.median.toFixed(2)} (${cpuRatio.lower.toFixed(2)}–${cpuRatio.upper.toFixed(2)})`,
      "req/s / floor": throughputRatio.median.toFixed(2),
      "CPU µs": ours.cpuMicroseconds.toFixed(0),
      "floor CPU µs": floor.cpuMicroseconds.toFixed(0),
      "req/s": ours.perSecond.toFixed(0),
      "p50 ms": ours.p50,
      "p99 ms": ours.p99,
      machine: noisy ? "too noisy" : "quiet",
    })),
  );
}
