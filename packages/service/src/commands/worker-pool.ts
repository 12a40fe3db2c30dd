import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { once } from "node:events";
import type { EventLog } from "../telemetry/events.ts";
import { ConfigError } from "../config-error.ts";
import { MAX_TIMER_MS } from "../service-limit.ts";
import type { CertificateAndKey } from "../tls/x509.ts";
import type { WorkerReadings } from "./metrics/worker-readings.ts";
import { createWorkerReadings } from "./metrics/worker-readings.ts";
import type { CertificateMessage, WorkerMessage } from "./worker-messages.ts";
import { parseWorkerMessage, RELOAD, REOPEN_AUDIT, GET_CERTIFICATE } from "./worker-messages.ts";

/** Worker processes that serve one data directory on one port. */
export interface WorkerPool {
  /** Where all of them listen. */
  readonly address: { readonly address: string; readonly port: number };
  /** Makes all workers read the server's certificate again. */
  reload(): void;
  /** Makes all workers open the file of the audit trail again. */
  reopenAudit(): void;
  /** Makes all workers, also those that start later, present this certificate. */
  setCertificate(certificate: CertificateAndKey): void;
  /** Rejects with a ConfigError when the store refuses a worker, which is not replaced then. */
  readonly refused: Promise<never>;
  /** What the workers have counted, and how many of them have said so now. */
  readMetrics: WorkerReadings["read"];
  /** Ends all workers, and resolves when they have ended. */
  stop(): Promise<void>;
}

/** Shortest time from a worker's start to its replacement, in milliseconds: one that ends at once may do so again. */
const MIN_UPTIME_MS = 1_000;

/** Time after the shutdown timeout until a worker that has not ended is killed, in milliseconds. */
const KILL_GRACE_MS = 5_000;

/**
 * Starts `count` workers with the arguments of this process, waits until all of them listen, and from then on replaces each
 * one that ends by itself, unless the store refuses it.
 *
 * @param shutdownTimeoutMs how long a worker may take to end.
 * @param certificate the certificate that workers present, if it is not the service's own.
 * @throws ConfigError with the message of the first worker that could not start.
 */
export async function startWorkerPool(
  count: number,
  shutdownTimeoutMs: number,
  log: EventLog,
  certificate: CertificateAndKey | undefined,
): Promise<WorkerPool> {
  let isStopping = false;
  let refuse: (reason: ConfigError) => void;
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  // It may come before anything waits for it.
  refused.catch(() => undefined);
  let current = certificate;
  const readings = createWorkerReadings();
  const start = (): Worker => {
    const worker = cluster.fork();
    readings.follow(worker);
    worker.on("message", (message: unknown) => {
      if (message === GET_CERTIFICATE && current !== undefined) worker.send(certificateMessage(current));
      const parsed = parseWorkerMessage(message);
      if (parsed?.kind !== "refused") return;
      isStopping = true;
      refuse(new ConfigError(parsed.why));
    });
    const startedAt = performance.now();
    worker.once("listening", () => log.workerStarted({ worker: pidOf(worker) }));
    worker.process.once("exit", (code: number | null, signal: string | null) => {
      if (isStopping) return;
      log.workerEnded({ worker: pidOf(worker), code, signal });
      const delay = Math.max(0, MIN_UPTIME_MS - (performance.now() - startedAt));
      setTimeout(() => isStopping || start(), delay).unref();
    });
    return worker;
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await Promise.all(
      workers().map((worker) => endWorker(worker, Math.min(shutdownTimeoutMs + KILL_GRACE_MS, MAX_TIMER_MS))),
    );
  };

  try {
    const started = await Promise.all(Array.from({ length: count }, async () => waitUntilReady(start())));
    const [first] = started;
    if (first === undefined) throw new TypeError("a worker pool has at least one worker");
    return {
      address: first,
      refused,
      readMetrics: readings.read,
      setCertificate(certificate) {
        current = certificate;
        const message = certificateMessage(certificate);
        workers().forEach((worker) => worker.isConnected() && worker.send(message));
      },
      reload: () => workers().forEach((worker) => worker.isConnected() && worker.send(RELOAD)),
      reopenAudit: () => workers().forEach((worker) => worker.isConnected() && worker.send(REOPEN_AUDIT)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function certificateMessage({ cert, key }: CertificateAndKey): CertificateMessage {
  return { kind: "certificate", cert, key };
}

function workers(): readonly Worker[] {
  return Object.values(cluster.workers ?? {}).flatMap((worker) => worker ?? []);
}

/**
 * @returns where the worker listens.
 * @throws ConfigError with the reason why it does not.
 */
async function waitUntilReady(worker: Worker): Promise<Extract<WorkerMessage, { kind: "listening" }>> {
  const received = new Promise<WorkerMessage>((resolve) => {
    worker.on("message", (message: unknown) => {
      const parsed = parseWorkerMessage(message);
      if (parsed !== undefined) resolve(parsed);
    });
  });
  const ended = once(worker.process, "exit").then((): WorkerMessage => ({
    kind: "failed",
    why: "a worker ended before it was ready",
  }));
  const message = await Promise.race([received, ended]);
  if (message.kind !== "listening") throw new ConfigError(message.why);
  return message;
}

async function endWorker(worker: Worker, killMs: number): Promise<void> {
  const { process } = worker;
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, "exit");
  process.kill("SIGTERM");
  const killTimer = setTimeout(() => process.kill("SIGKILL"), killMs);
  await ended;
  clearTimeout(killTimer);
}

function pidOf({ process }: Worker): number {
  return process.pid ?? 0;
}
