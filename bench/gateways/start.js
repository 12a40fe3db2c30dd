import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "./free-port.js";

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

/**
 * Starts the proxies that are pinned in a separate package, which is installed on first use; and nginx if it is installed.
 *
 * @param {number} target
 */
export async function startRivals(target) {
  await access(here("rivals/node_modules")).catch(() =>
    run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here("rivals") }),
  );
  const rivals = [
    await startProgram("http-proxy", [here("rivals/http-proxy.js"), String(target)]),
    await startProgram("fast-proxy", [here("rivals/fast-proxy.js"), String(target)]),
  ];
  const nginx = await startNginx(target);
  return nginx === undefined ? rivals : [...rivals, nginx];
}

/**
 * Starts nginx with one worker, if it is installed.
 *
 * @param {number} target
 * @returns {Promise<Gateway | undefined>}
 */
export async function startNginx(target) {
  const prefix = await mkdtemp(join(directory, "nginx-"));
  const port = await freePort();
  const file = join(prefix, "nginx.conf");
  await writeFile(file, nginxConfiguration(prefix, port, target));
  const child = spawn("nginx", ["-p", prefix, "-e", join(prefix, "error.log"), "-c", file], {
    stdio: "ignore",
  });
  const started = await Promise.race([
    once(child, "spawn").then(() => true),
    once(child, "error").then(() => false),
  ]).catch(() => false);
  if (!started) return undefined;
  children.push(child);
  const url = `http://127.0.0.1:${port}/`;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    ) {
      return { name: "nginx", pid: Number(child.pid), url, token: NO_TOKEN };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("nginx does not respond");
}

/**
 * @param {string} prefix
 * @param {number} port
 * @param {number} target
 */
function nginxConfiguration(prefix, port, target) {
  return `daemon off; worker_processes 1; pid ${prefix}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi; uwsgi_temp_path ${prefix}/uwsgi; scgi_temp_path ${prefix}/scgi;
  client_max_body_size 0; keepalive_requests 1000000000;
  upstream target { server 127.0.0.1:${target}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "replaced"; proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
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
export async function startProgram(name, words, { env = {}, through = [] } = {}) {
  const from = performance.now();
  const [command = "", ...rest] = [...through, process.execPath, ...words];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  children.push(child);
  const port = await Promise.any([portIn(child.stdout), portIn(child.stderr)]);
  return startedAt(name, child, port, from);
}

/**
 * Starts a service whose log is not read here, and sends requests until it responds.
 *
 * @param {string} name
 * @param {readonly string[]} words
 * @param {{ env?: Record<string, string>, port: number, log: number }} where `log`: the descriptor of its standard error
 * @returns {Promise<Started>}
 */
export async function startUnheard(name, words, { env = {}, port, log }) {
  const from = performance.now();
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "ignore", log],
    env: { ...process.env, ...env },
  });
  children.push(child);
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt += 1) {
    const isReady = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return startedAt(name, child, port, from);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("a service without a log does not respond");
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
