import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "./run.ts";
import { UNLIMITED } from "./service.ts";
import type { ProcessResult } from "./run.ts";

const MEMBRANE = fileURLToPath(new URL("../../service/bin/membrane.js", import.meta.url));

/** A `membrane serve` of its own, ended by its id. */
export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Standard output so far; where the first tenant's capabilities are, and not they. */
  readonly printed: () => string;
  /** Log events so far. */
  readonly logged: () => readonly LogLine[];
  /** Standard error: its log, and what it says when it fails. */
  readonly stderr: Readable;
  /** Sends a signal and waits for the end. */
  end(
    signal: NodeJS.Signals,
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface LogLine {
  readonly msg?: string;
  readonly port?: number;
  /** Process id of the worker that an event is about. */
  readonly worker?: number;
  readonly path?: string;
  readonly subject?: string;
}

/** No test writes a profile into the user's home directory, unless it brings a home and says so. */
const ENVIRONMENT = { ...process.env, MEMBRANE_PROFILE: "false" };

/** Starts the built program without TLS on a free port of loopback, and waits until it is ready. */
export async function spawnService(
  data: string,
  options: { readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ServiceProcess> {
  const child = spawn(
    process.execPath,
    [
      MEMBRANE,
      "serve",
      "--data",
      data,
      "--listen",
      "127.0.0.1:0",
      "--authority",
      "membrane.test",
      "--no-tls",
      "--max-auth-failures-per-minute",
      String(UNLIMITED),
      "--allow-target",
      "127.0.0.0/8",
      ...(options.flags ?? []),
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...ENVIRONMENT, ...options.env } },
  );
  return whenReady(child, "http://127.0.0.1");
}

/** Starts the built program with these words alone, TLS unless they say otherwise, and waits until it is ready. */
export async function spawnMembrane(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MEMBRANE, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...ENVIRONMENT, ...env },
  });
  return whenReady(child, "https://localhost");
}

/** Waits for the line of the log that says where the program listens. @param origin its URL without the port. */
async function whenReady(
  child: ChildProcessByStdio<null, Readable, Readable>,
  origin: string,
): Promise<ServiceProcess> {
  const printed: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk.toString("utf8")));
  const { port, logged } = await followLog(child);
  return {
    url: `${origin}:${port}`,
    port,
    pid: child.pid!,
    printed: () => printed.join(""),
    logged,
    stderr: child.stderr,
    end: (signal) => end(child, signal, logged),
    [Symbol.asyncDispose]: async () => void (await end(child, "SIGKILL", logged)),
  };
}

/** Runs one command of the built program to its end. */
export async function runMembrane(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<ProcessResult> {
  return run(process.execPath, [MEMBRANE, ...args], {
    env: { ...ENVIRONMENT, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** Follows what a service logs, and waits until it is ready. */
async function followLog(
  child: ChildProcess,
): Promise<{ readonly port: number; readonly logged: () => readonly LogLine[] }> {
  const events: LogLine[] = [];
  const seen: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    const lines = createInterface({ input: child.stderr! });
    lines.on("line", (line) => {
      seen.push(line);
      const event: LogLine = JSON.parse(line.startsWith("{") ? line : "{}");
      events.push(event);
      if (event.msg === "ready" && event.port !== undefined) resolve(event.port);
    });
    lines.on("close", () => reject(new Error(`the service ended before it was ready: ${seen.join("\n")}`)));
  });
  return { port, logged: () => events };
}

/** How the engine ends a process: for want of memory, or for a defect. */
const ABORT_SIGNALS: ReadonlySet<string> = new Set(["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP"]);

/** @throws Error if a fault that nothing caught ended the service or one of its workers: no test may pass then. */
async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
  logged: () => readonly LogLine[],
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
  // The end can be known before the last lines are.
  if (child.stderr?.readableFlowing === true && !child.stderr.closed && child.signalCode === null)
    await once(child.stderr, "close");
  const crash = logged().find(({ msg }) => msg === "crashed");
  if (ABORT_SIGNALS.has(child.signalCode ?? ""))
    throw new Error(`the service was ended by ${child.signalCode}`);
  if (crash !== undefined) throw new Error(`a fault that nothing caught: ${JSON.stringify(crash)}`);
  return { code: child.exitCode, signal: child.signalCode };
}
