import cluster from "node:cluster";
import { closeSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EventLog } from "./telemetry/events.ts";
import { createLogger } from "./telemetry/logger.ts";
import { openDescriptorSink } from "./telemetry/descriptor-sink.ts";
import { createEventLog } from "./telemetry/events.ts";
import { readCommandLine } from "./cli.ts";
import type { Command } from "./command.ts";
import { hideSecrets } from "./commands/escape.ts";
import { createPrint } from "./commands/print.ts";
import { explainFileError } from "./commands/system-error.ts";
import type { ProcessContext } from "./commands/serve.ts";
import type { WorkerProcess } from "./commands/serve-worker.ts";
import type { ServerContext } from "./commands/server.ts";
import type { ServiceManager } from "./commands/service-manager.ts";
import {
  createServiceManager,
  NO_SERVICE_MANAGER,
  sendWithSystemdNotify,
} from "./commands/service-manager.ts";
import type { MetricsMessage, WorkerMessage } from "./commands/worker-messages.ts";
import type { Reading } from "./telemetry/metrics/reading.ts";
import {
  failureMessage,
  parseCertificateMessage,
  RELOAD,
  GET_CERTIFICATE,
  READ_METRICS,
  REOPEN_AUDIT,
} from "./commands/worker-messages.ts";
import type { ServeConfig } from "./config.ts";
import { errorCode } from "./error-code.ts";

const STANDARD_ERROR = 2;

/** Time for the process to end by itself once all is done, in milliseconds. */
const EXIT_GRACE_MS = 5_000;

const print = createPrint((text) => emitError(process.stdout, () => process.stdout.write(text)));
const printError = createPrint((text) => emitError(process.stderr, () => process.stderr.write(text)));

// Without a listener, a failed write would end the process.
process.stdout.on("error", reportOutputFailure);
process.stderr.on("error", () => undefined);
// Files that the store's library makes are readable only by this user; all other files have that mode explicitly.
process.umask(0o077);
process.on("uncaughtException", endWithMessage);
try {
  const command = await readCommandLine(process.argv.slice(2), packageVersion(), process.env);
  if (command !== undefined) await run(command);
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}
// A thread that hangs in a write, because another process holds the store, would keep this process from ending.
setTimeout(endAtOnce, EXIT_GRACE_MS).unref();

/** What an uncaught error does to a command. */
function endWithMessage(error: unknown): void {
  printFailure(error);
  endAtOnce();
}

function printFailure(error: unknown): void {
  const message = explainFileError(error) ?? (error instanceof Error ? error.message : "failed");
  printError(`membrane: ${hideSecrets(message)}`);
}

/**
 * Ends this process without waiting for anything. `process.exit` waits for all threads, and one that is in a write of LMDB waits for
 * the thread that exits: the process would hang, and no other process could write to the store.
 */
function endAtOnce(): never {
  process.kill(process.pid, "SIGKILL");
  // The kernel ignores that for the first process of a container, which only a fault ends.
  process.abort();
}

async function run(command: Command): Promise<void> {
  if (command.name === "serve") return runService(command.config);
  const { runOperatorCommand } = await import("./commands/run-operator-command.ts");
  const code = await runOperatorCommand(command, {
    print,
    printError,
    openLog: openOperatorLog,
    home: homedir,
    nodeVersion: process.version,
    now: new Date(),
    input: openInput,
    // A text that is pasted at the terminal could end itself, and give the answer.
    confirm: process.stdout.isTTY && !process.stdin.isTTY ? confirm : undefined,
  });
  // A failed write of the output has set another one.
  if (code !== 0) process.exitCode = code;
}

function openInput(): NodeJS.ReadStream {
  if (process.stdin.isTTY)
    printError("Reading the text from this terminal; Ctrl-D ends it. Only --revoke revokes.");
  return process.stdin;
}

async function confirm(question: string): Promise<boolean> {
  const { confirmAtTerminal } = await import("./commands/leaked/confirm.ts");
  return confirmAtTerminal(question);
}

async function runService(config: ServeConfig): Promise<void> {
  const { log, lostLogLines } = openServiceLog(config);
  limitHeapGrowth();
  const { stop, onReload } = followSignals();
  const version = packageVersion();
  const context = { log, lostLogLines, version, stop, onReload, collectYoung: youngCollector() };
  if (cluster.isWorker) return runWorker(config, context);
  const { serve } = await import("./commands/serve.ts");
  return serve(config, {
    ...context,
    print,
    isTerminal: process.stdout.isTTY,
    home: homedir,
    serviceManager: openServiceManager(log),
  });
}

/** Reserves standard error for the service's log: one JSON line for each event, faults included. */
function openServiceLog({ logLevel }: ServeConfig): Pick<ServerContext, "log" | "lostLogLines"> {
  const sink = openDescriptorSink(STANDARD_ERROR, unblock);
  const log = createEventLog(createLogger(logLevel, sink));
  process.on("exit", sink.flush);
  // The reader of standard output may have exited; the service continues.
  process.stdout
    .off("error", reportOutputFailure)
    .on("error", (error) => log.outputFailed({ cause: errorCode(error) ?? "failed" }));
  // The message of an unexpected error may contain a secret, so it is logged as a fault and not printed.
  process.off("uncaughtException", endWithMessage).on("uncaughtException", (error) => {
    try {
      log.crashed(error);
      sink.flush();
    } finally {
      endAtOnce();
    }
  });
  // Packages print text, not JSON; the store reports its errors itself.
  console.error = () => undefined;
  return { log, lostLogLines: () => sink.lostLines };
}

/** The service manager that wants to know this service's state, if one does. */
function openServiceManager(log: EventLog): ServiceManager {
  const { NOTIFY_SOCKET: socket = "", PATH: path } = process.env;
  if (socket === "") return NO_SERVICE_MANAGER;
  const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n;
  return createServiceManager(sendWithSystemdNotify(socket, path), monotonicMicroseconds, log);
}

/** Runs one of several workers. The first process reports what has ended it. */
async function runWorker(
  config: ServeConfig,
  context: ServerContext & Pick<ProcessContext, "stop" | "onReload">,
): Promise<void> {
  const send = (message: WorkerMessage): void => void process.send?.(message);
  const onReload = (listener: () => void): void => {
    context.onReload(listener);
    process.on("message", (message) => {
      if (message === RELOAD) listener();
    });
  };
  const onReopenAudit = (listener: () => void): void => {
    context.onReload(listener);
    process.on("message", (message) => {
      if (message === REOPEN_AUDIT) listener();
    });
  };
  const onCertificate: WorkerProcess["onCertificate"] = (listener) => {
    process.on("message", (message) => {
      const certificate = parseCertificateMessage(message);
      if (certificate !== undefined) listener(certificate);
    });
    process.send?.(GET_CERTIFICATE);
  };
  const sendMetrics = (reading: Reading): void => {
    const message: MetricsMessage = { kind: "metrics", reading };
    // The first process may end at this moment, which is not a fault of this one.
    if (process.connected) process.send?.(message, () => undefined);
  };
  const onReadMetrics: WorkerProcess["onReadMetrics"] = (read) => {
    process.on("message", (message) => {
      if (message === READ_METRICS) read().then(sendMetrics, context.log.fault);
    });
  };
  // Before Node's own listener, which would exit when the first process has gone.
  process.prependListener("disconnect", endAtOnce);
  try {
    const { serveAsWorker } = await import("./commands/serve-worker.ts");
    await serveAsWorker(config, { ...context, send, onReload, onReopenAudit, onReadMetrics, onCertificate });
  } catch (error) {
    send(failureMessage(error));
    process.exitCode = 1;
  }
  process.off("disconnect", endAtOnce).disconnect();
}

/** Logs what an operator changes, at every log level. */
function openOperatorLog(): EventLog {
  return createEventLog(createLogger("info", openDescriptorSink(STANDARD_ERROR, unblock)));
}

/** Node makes pipes and sockets non-blocking when it opens them as a stream, and restores the mode when it ends. */
function unblock(): void {
  void process.stderr.fd;
}

/** Emits `error` also for a write to a file, which throws where other streams emit. */
function emitError(stream: NodeJS.WriteStream, write: () => unknown): void {
  try {
    write();
  } catch (error) {
    stream.emit("error", error);
  }
}

function reportOutputFailure(error: unknown): void {
  process.exitCode = 1;
  const code = errorCode(error) ?? "failed";
  if (code !== "EPIPE") printError(`membrane: standard output cannot be written: ${code}`);
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest && typeof manifest.version === "string" ? manifest.version : "unknown";
}

/**
 * SIGTERM and SIGINT end the service. So does SIGHUP when the terminal was closed; otherwise it asks for the certificate to
 * be read again, as is usual for services. Repeats change nothing: npm sends a signal again that the terminal has sent.
 */
function followSignals(): Pick<ProcessContext, "stop" | "onReload"> {
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY;
  const listeners: (() => void)[] = [];
  const stop = new Promise<void>((resolve) => {
    process.on("SIGTERM", () => resolve());
    process.on("SIGINT", () => resolve());
    process.on("SIGHUP", () => {
      if (isInTerminal && isTerminalGone()) resolve();
      else listeners.forEach((listener) => listener());
    });
  });
  return { stop, onReload: (listener) => void listeners.push(listener) };
}

/** A process whose terminal was closed cannot open it. */
function isTerminalGone(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}

/** Limits the growth of the heap between collections. By default it is fourfold, half a gigabyte with a full cache. */
function limitHeapGrowth(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/** V8's collector of young objects, which only contexts made after the flag is set can reach. */
function youngCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => {
    if (typeof collect === "function") collect({ type: "minor" });
  };
}
