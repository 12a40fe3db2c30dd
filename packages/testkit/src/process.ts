import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { run } from "./run.ts";
import { PATIENT, UNLIMITED } from "./service.ts";
import type { ProcessResult } from "./run.ts";
import { until } from "./until.ts";

const MEMBRANE = fileURLToPath(new URL("../../service/bin/membrane.js", import.meta.url));

/** A separate `membrane serve` process, which is stopped by its process id. */
export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Standard output so far. It names the file of the first tenant's capabilities, and does not have them. */
  readonly printed: () => string;
  /** Log events so far. */
  readonly logged: () => readonly LogLine[];
  /** Standard error: the log, and the message of a failure. */
  readonly stderr: Readable;
  /** Sends a signal and waits until the process ends. */
  end(signal: NodeJS.Signals): Promise<ProcessEnd>;
  /**
   * Waits until the process ends by itself.
   *
   * @throws Error if it goes on for half a minute.
   */
  ended(): Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly port?: number;
  /** Process id of the worker in the event. */
  readonly worker?: number;
  readonly path?: string;
  readonly subject?: string;
  readonly cause?: string;
  readonly problem?: string;
}

/** The flags of {@link PATIENT}. */
export const PATIENT_WRITES: readonly string[] = [
  "--store-write-timeout-ms",
  String(PATIENT.storeWriteTimeoutMs),
];

/** No test writes a profile to the user's home directory; a test with its own home directory turns it on. */
const ENVIRONMENT = { ...process.env, MEMBRANE_PROFILE: "false" };

export interface ServiceProcessOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The file of another version of the program. */
  readonly program?: string;
}

/** Starts the built program without TLS on a free port of loopback, and waits until it is ready. */
export async function spawnService(
  data: string,
  options: ServiceProcessOptions = {},
): Promise<ServiceProcess> {
  const child = spawn(
    process.execPath,
    [
      options.program ?? MEMBRANE,
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

/** Starts the built program with only these arguments, by default with TLS, and waits until it is ready. */
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
    async ended() {
      await until("the service ends by itself", () => hasEnded(child));
      return end(child, undefined, logged);
    },
    [Symbol.asyncDispose]: async () => void (await end(child, "SIGKILL", logged)),
  };
}

/** Runs one command of the built program until it ends. */
export async function runMembrane(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: {
    readonly cwd?: string;
    readonly signal?: AbortSignal;
    readonly input?: string | Uint8Array;
  } = {},
): Promise<ProcessResult> {
  return run(process.execPath, [MEMBRANE, ...args], { env: { ...ENVIRONMENT, ...env }, ...options });
}

/** Longer than a program takes to end on a busy machine, in milliseconds. One that serves does not end by itself. */
const MAX_END_MS = 30_000;

/** Runs a command that must end by itself although it could serve. */
export async function runToItsEnd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessResult> {
  return runMembrane(args, env, { signal: AbortSignal.timeout(MAX_END_MS) });
}

/** Reads the log of a service, and waits until it is ready. */
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

/** The signals with which V8 or the kernel ends a process: out of memory, or a crash. */
const ABORT_SIGNALS: ReadonlySet<string> = new Set(["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP"]);

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** @throws Error if an uncaught error ended the service or a worker, since no test may pass then. */
async function end(
  child: ChildProcess,
  signal: NodeJS.Signals | undefined,
  logged: () => readonly LogLine[],
): Promise<ProcessEnd> {
  const endsByItself = signal === undefined || hasEnded(child);
  if (!hasEnded(child)) {
    const ended = once(child, "exit");
    if (signal !== undefined) child.kill(signal);
    await ended;
  }
  // The process can end before its last lines are read. The workers of one that was killed may have its standard error still.
  const isAtItsEnd = endsByItself || child.signalCode === null;
  if (child.stderr?.readableFlowing === true && !child.stderr.closed && isAtItsEnd)
    await once(child.stderr, "close");
  const crash = logged().find(({ msg }) => msg === "crashed");
  if (ABORT_SIGNALS.has(child.signalCode ?? ""))
    throw new Error(`the service was ended by ${child.signalCode}`);
  if (crash !== undefined) throw new Error(`uncaught error: ${JSON.stringify(crash)}`);
  return { code: child.exitCode, signal: child.signalCode };
}
