import cluster from "node:cluster";
import { closeSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import type { AuditLog } from "./audit/log.ts";
import { openLogSink } from "./audit/log-file.ts";
import { createAuditLog } from "./audit/log.ts";
import type { Command } from "./cli.ts";
import { readCommandLine } from "./cli.ts";
import { createPrint } from "./commands/print.ts";
import type { Machine } from "./commands/serve.ts";
import type { WorkerMachine } from "./commands/serve-worker.ts";
import type { FromWorker } from "./commands/worker-messages.ts";
import { parseCertificateMessage, RELOAD, WHICH_CERTIFICATE } from "./commands/worker-messages.ts";
import type { ServeConfig } from "./config.ts";

const STANDARD_ERROR = 2;

/** Without a listener, output that cannot be written would end the process. */
let outputFailed = (error: unknown): void => {
  process.exitCode = 1;
  if (codeOf(error) !== "EPIPE") note(`membrane: standard output cannot be written: ${codeOf(error)}`);
};
process.stdout.on("error", (error) => outputFailed(error));
process.stderr.on("error", () => undefined);

const print = createPrint((text) => attempt(() => process.stdout.write(text), outputFailed));
const note = createPrint((text) => attempt(() => process.stderr.write(text), ignore));

/** Time to end in order once all is done, in milliseconds. */
const END_MS = 5_000;

// What the store's library makes is for this user alone, as all other files are by their own mode.
process.umask(0o077);
try {
  const command = await readCommandLine(process.argv.slice(2), ownVersion(), process.env);
  if (command !== undefined) await run(command);
} catch (error) {
  note(`membrane: ${error instanceof Error ? error.message : "failed"}`);
  process.exitCode = 1;
}
// A thread that hangs in a write of the store, because another process holds it, would keep this process for ever.
setTimeout(() => process.kill(process.pid, "SIGKILL"), END_MS).unref();

/** Each command is loaded when it is asked for: a mistake in the command line is answered without any. */
async function run(command: Command): Promise<void> {
  switch (command.name) {
    case "serve": {
      const sink = openLogSink(STANDARD_ERROR, unblock);
      const log = createAuditLog(pino({ level: command.config.logLevel, base: null }, sink));
      process.on("exit", sink.flush);
      // What is printed is for a person who may have left; the service serves on.
      outputFailed = (error) => log.outputLost({ cause: codeOf(error) });
      // What nobody expected may hold a secret in its message: it is logged as all faults are, and not printed.
      process.on("uncaughtException", (error) => {
        log.crashed(error);
        process.exit(1);
      });
      // What packages print there is no JSON; the store reports its errors itself.
      console.error = () => undefined;
      keepHeapSmall();
      const { stop, onReload } = followSignals();
      const machine = { log, stop, onReload, collectYoung: youngCollector() };
      if (cluster.isWorker) return runWorker(command.config, machine);
      const { serve } = await import("./commands/serve.ts");
      const isTerminal = process.stdout.isTTY;
      return serve(command.config, { ...machine, print, isTerminal, home: homedir });
    }
    case "init": {
      const { init } = await import("./commands/init.ts");
      return init(command.config, command.json, { now: new Date(), home: homedir, print, note });
    }
    case "doctor": {
      const { doctor } = await import("./commands/doctor.ts");
      if (!(await doctor(command.config, process.version, new Date(), print))) process.exitCode = 1;
      return;
    }
    case "tenant create":
    case "tenant list":
    case "tenant reissue":
    case "tenant delete": {
      const { tenant } = await import("./commands/tenant.ts");
      return tenant(command, { print, log: operatorLog() });
    }
    case "backup": {
      const { backup } = await import("./commands/backup.ts");
      return backup(command, { print, now: new Date() });
    }
    case "restore": {
      const { restore } = await import("./commands/restore.ts");
      return restore(command, { print, log: operatorLog() });
    }
    case "membrane list":
    case "membrane revoke": {
      const { membrane } = await import("./commands/membrane.ts");
      return membrane(command, { print, log: operatorLog() });
    }
  }
}

/** One of several: what goes wrong at its start is for the first process to say. */
async function runWorker(
  config: ServeConfig,
  machine: Pick<Machine, "log" | "stop" | "onReload" | "collectYoung">,
): Promise<void> {
  const tell = (message: FromWorker): void => void process.send?.(message);
  const onReload = (listener: () => void): void => {
    machine.onReload(listener);
    process.on("message", (message) => {
      if (message === RELOAD) listener();
    });
  };
  const onCertificate: WorkerMachine["onCertificate"] = (listener) => {
    process.on("message", (message) => {
      const certificate = parseCertificateMessage(message);
      if (certificate !== undefined) listener(certificate);
    });
    process.send?.(WHICH_CERTIFICATE);
  };
  try {
    const { serveAsWorker } = await import("./commands/serve-worker.ts");
    await serveAsWorker(config, { ...machine, tell, onReload, onCertificate });
  } catch (error) {
    tell({ kind: "failed", why: error instanceof Error ? error.message : "failed" });
    process.exitCode = 1;
  }
  process.disconnect();
}

/** What an operator changes is logged as what clients change is, whatever the level of the service's own log. */
function operatorLog(): AuditLog {
  return createAuditLog(pino({ base: null }, openLogSink(STANDARD_ERROR, unblock)));
}

/** Node makes pipes and sockets ones that do not wait when it opens them as a stream, and undoes it at its end. */
function unblock(): void {
  void process.stderr.fd;
}

/** A stream to a file fails at once, all others later. */
function attempt(write: () => unknown, failed: (error: unknown) => void): void {
  try {
    write();
  } catch (error) {
    failed(error);
  }
}

function ignore(): void {}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "failed";
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest && typeof manifest.version === "string" ? manifest.version : "unknown";
}

/**
 * SIGTERM and SIGINT end the service. So does SIGHUP when it says that the terminal was closed; else it asks for the
 * certificate to be read again, as of other services.
 */
function followSignals(): Pick<Machine, "stop" | "onReload"> {
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY;
  const listeners: (() => void)[] = [];
  const stop = new Promise<void>((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
    process.on("SIGHUP", () => {
      if (isInTerminal && isTerminalGone()) resolve();
      else listeners.forEach((listener) => listener());
    });
  });
  return { stop, onReload: (listener) => void listeners.push(listener) };
}

/** A process whose terminal was closed has none that it could open. */
function isTerminalGone(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}

/** The engine lets a heap grow to four times what lives in it before it collects; a full cache would take half a gigabyte. */
function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/** The engine's own collector of young objects; it is in sight only of contexts made after the flag is set. */
function youngCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => {
    if (typeof collect === "function") collect({ type: "minor" });
  };
}
