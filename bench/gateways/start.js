import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const run = promisify(execFile);

/**
 * A program that serves requests, and how to send one.
 *
 * @typedef {object} Gateway
 * @property {string} name
 * @property {number} pid
 * @property {string} url
 * @property {string} token that goes with each request
 * @property {string} [tokens] a file with one token a line, of which each request takes one at random
 */

/** @param {string} name of a file in this folder */
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A text as long as a capability's token, for programs that do not check it. */
const NO_TOKEN = `CPBLTY1-${"A".repeat(86)}`;

/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
export const directory = await mkdtemp(join(tmpdir(), "membrane-bench-"));

/** Ends everything that was started, and removes its files. */
export async function endAll() {
  await Promise.all(children.map(end));
  await rm(directory, { recursive: true, force: true });
}

/**
 * Ends one of the programs that were started, and waits for it.
 *
 * @param {{ pid: number }} program
 */
export async function endProgram({ pid }) {
  const child = children.find((one) => one.pid === pid);
  if (child !== undefined) await end(child);
}

/**
 * Returns how one of the programs that were started has ended, or undefined while it runs.
 *
 * @param {{ pid: number }} program
 */
export function endOf({ pid }) {
  const child = children.find((one) => one.pid === pid);
  return child?.signalCode ?? (typeof child?.exitCode === "number" ? `status ${child.exitCode}` : undefined);
}

/** @param {import("node:child_process").ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  // A stopped process ends only when it continues.
  child.kill("SIGCONT");
  await ended;
}

/** @returns {Promise<number>} the target's port */
export async function startTarget() {
  const { port } = await startProgram("target", [here("target.js")]);
  return port;
}

/** @param {number} target */
export function startFloor(target) {
  return startProgram("floor", [here("floor.js"), String(target)]);
}

/**
 * Starts the floor with TLS.
 *
 * @param {number} target
 * @param {{ cert: string, key: string }} files
 */
export async function startSecureFloor(target, { cert, key }) {
  const floor = await startProgram("floor, TLS", [here("floor.js"), String(target), cert, key]);
  return { ...floor, url: floor.url.replace("http:", "https:") };
}

/** @typedef {Gateway & { port: number, startMs: number }} Started */

/**
 * Starts a program with Node.js that prints its port in a line of JSON.
 *
 * @param {string} name
 * @param {readonly string[]} words
 * @param {{ env?: Record<string, string>, through?: readonly string[] }} how `through`: a command that runs the rest of its
 *   arguments as a program, such as unshare(1)
 * @returns {Promise<Started>}
 */
export function startProgram(name, words, { env = {}, through = [] } = {}) {
  return startCommand(name, [...through, process.execPath, ...words], env);
}

/**
 * Starts a program that prints its port in a line of JSON.
 *
 * @param {string} name
 * @param {readonly string[]} words
 * @param {Record<string, string>} [env]
 * @returns {Promise<Started>}
 */
export async function startCommand(name, [command = "", ...rest], env = {}) {
  const from = performance.now();
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  children.push(child);
  const port = await Promise.any([portIn(child.stdout), portIn(child.stderr)]);
  return startedAt(name, child, port, from);
}

/**
 * Starts a program that says nothing, and sends requests until it responds.
 *
 * @param {string} name
 * @param {readonly string[]} words
 * @param {{ port: number, path?: string, env?: Record<string, string>, log?: number }} where `log`: the descriptor of its standard
 *   error, which is not read here
 * @returns {Promise<Started | undefined>} nothing if there is no such command
 */
export async function startUnheard(name, [command = "", ...rest], { port, path = "", env = {}, log }) {
  const from = performance.now();
  const child = spawn(command, rest, {
    stdio: ["ignore", "ignore", log ?? "ignore"],
    env: { ...process.env, ...env },
  });
  const isStarted = await Promise.race([
    once(child, "spawn").then(() => true),
    once(child, "error").then(() => false),
  ]).catch(() => false);
  if (!isStarted) return undefined;
  children.push(child);
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt += 1) {
    const isReady = await fetch(`http://127.0.0.1:${port}/${path}`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return startedAt(name, child, port, from);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not respond`);
}

/**
 * @param {string} name
 * @param {import("node:child_process").ChildProcess} child
 * @param {number} port
 * @param {number} from
 */
function startedAt(name, child, port, from) {
  const startMs = performance.now() - from;
  return { name, pid: Number(child.pid), port, url: `http://127.0.0.1:${port}/`, token: NO_TOKEN, startMs };
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
