import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { until } from "./until.ts";

/** Where the configuration is that operators get. */
export const DEPLOYED = fileURLToPath(new URL("../../../deploy/prometheus/", import.meta.url));

/** A separate Prometheus of Debian, which is stopped by its process id. */
export interface TestPrometheus extends AsyncDisposable {
  /** Asks its API, and returns the data of the response. @throws Error with its message if it is none. */
  api(path: string, parameters?: Readonly<Record<string, string>>): Promise<any>;
}

/**
 * Starts Prometheus with the configuration that operators get, which scrapes `port` every second in place of the one in it.
 */
export async function startPrometheus(port: number): Promise<TestPrometheus> {
  const directory = await temporaryDirectory();
  const own = await freePort();
  const example = await readFile(join(DEPLOYED, "prometheus.yml"), "utf8");
  await writeFile(
    join(directory.path, "prometheus.yml"),
    [
      ["127.0.0.1:9464", `127.0.0.1:${port}`],
      ["scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s"],
      ["membrane.rules.yml", join(DEPLOYED, "membrane.rules.yml")],
    ].reduce((text, [from = "", to = ""]) => replaceIn(text, from, to), example),
  );
  const child = spawn(
    "/usr/bin/prometheus",
    [
      `--config.file=${join(directory.path, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory.path, "data")}`,
      `--web.listen-address=127.0.0.1:${own}`,
    ],
    { cwd: directory.path, stdio: ["ignore", "ignore", "pipe"] },
  );
  const output: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const ended = once(child, "close");
  const origin = `http://127.0.0.1:${own}`;
  await until("Prometheus is ready", async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended: ${Buffer.concat(output).toString()}`);
    const response = await fetch(`${origin}/-/ready`).catch(() => undefined);
    await response?.text();
    return response?.status === 200;
  });
  return {
    async api(path, parameters = {}) {
      const response = await fetch(`${origin}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
      const body: any = await response.json();
      if (body.status !== "success") throw new Error(`${path}: ${body.error}`);
      return body.data;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Runs Debian's promtool. @throws Error with what it has printed if it finds something wrong. */
export async function promtool(args: readonly string[]): Promise<string> {
  return runProgram("/usr/bin/promtool", args);
}

/** Lets promtool check the text of a scrape. @returns what it has found. */
export async function checkMetrics(text: string): Promise<string> {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, "metrics");
  await writeFile(file, text);
  return runProgram("/bin/sh", ["-c", 'exec /usr/bin/promtool check metrics < "$1"', "sh", file]);
}

async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, { env: process.env });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}

function replaceIn(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`deploy/prometheus/prometheus.yml does not have: ${from}`);
  return text.replaceAll(from, to);
}
