import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { once } from "node:events";
import type { AuditLog } from "../audit/log.ts";
import { ConfigError } from "../config.ts";
import { LONGEST_TIMER_MS } from "../limits.ts";
import type { KeyedCertificate } from "../tls/x509.ts";
import type { CertificateMessage, FromWorker } from "./worker-messages.ts";
import { parseFromWorker, RELOAD, WHICH_CERTIFICATE } from "./worker-messages.ts";

/** Worker processes that serve one data directory on one port. */
export interface Crew {
  /** Where all of them listen. */
  readonly address: { readonly address: string; readonly port: number };
  /** Has all look at the server's certificate. */
  reload(): void;
  /** Has all present this certificate from now on, those too that are started later. */
  present(certificate: KeyedCertificate): void;
  /** Ends all of them and waits. */
  stop(): Promise<void>;
}

/** A worker that ends sooner than this after its start is replaced this long after it: it may do so again, in milliseconds. */
const LEAST_LIFE_MS = 1_000;

/** How much longer than the time to shut down a worker is waited for until it is killed, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Starts `count` workers with the words that this process was started with, waits until all of them listen, and from then
 * on replaces each that ends by itself.
 *
 * @param shutdownMs how long a worker may take to end.
 * @param given the certificate that workers present, if it is not the service's own.
 * @throws ConfigError with what the first worker that could not start had to say.
 */
export async function startCrew(
  count: number,
  shutdownMs: number,
  log: AuditLog,
  given: KeyedCertificate | undefined,
): Promise<Crew> {
  let isStopping = false;
  let presented = given;
  const start = (): Worker => {
    const worker = cluster.fork();
    worker.on("message", (message: unknown) => {
      if (message === WHICH_CERTIFICATE && presented !== undefined)
        worker.send(certificateMessage(presented));
    });
    const startedAt = performance.now();
    worker.once("listening", () => log.workerStarted({ worker: pidOf(worker) }));
    worker.process.once("exit", (code: number | null, signal: string | null) => {
      if (isStopping) return;
      log.workerEnded({ worker: pidOf(worker), code, signal });
      const delay = Math.max(0, LEAST_LIFE_MS - (performance.now() - startedAt));
      setTimeout(() => isStopping || start(), delay).unref();
    });
    return worker;
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await Promise.all(
      workers().map((worker) => endWorker(worker, Math.min(shutdownMs + PATIENCE_MS, LONGEST_TIMER_MS))),
    );
  };

  try {
    const started = await Promise.all(Array.from({ length: count }, async () => firstWord(start())));
    const [first] = started;
    if (first === undefined) throw new TypeError("a crew has at least one worker");
    return {
      address: first,
      present(certificate) {
        presented = certificate;
        const message = certificateMessage(certificate);
        workers().forEach((worker) => worker.isConnected() && worker.send(message));
      },
      reload: () => workers().forEach((worker) => worker.isConnected() && worker.send(RELOAD)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function certificateMessage({ cert, key }: KeyedCertificate): CertificateMessage {
  return { kind: "certificate", cert, key };
}

function workers(): readonly Worker[] {
  return Object.values(cluster.workers ?? {}).flatMap((worker) => worker ?? []);
}

/** That a worker listens, and where; or why it does not. */
async function firstWord(worker: Worker): Promise<Extract<FromWorker, { kind: "listening" }>> {
  const said = new Promise<FromWorker>((resolve) => {
    worker.on("message", (message: unknown) => {
      const parsed = parseFromWorker(message);
      if (parsed !== undefined) resolve(parsed);
    });
  });
  const ended = once(worker.process, "exit").then((): FromWorker => ({
    kind: "failed",
    why: "a worker ended before it was ready",
  }));
  const word = await Promise.race([said, ended]);
  if (word.kind === "failed") throw new ConfigError(word.why);
  return word;
}

async function endWorker(worker: Worker, killMs: number): Promise<void> {
  const { process } = worker;
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, "exit");
  process.kill("SIGTERM");
  const killing = setTimeout(() => process.kill("SIGKILL"), killMs);
  await ended;
  clearTimeout(killing);
}

function pidOf({ process }: Worker): number {
  return process.pid ?? 0;
}
