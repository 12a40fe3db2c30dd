import type { Worker } from "node:cluster";
import { withTimeout } from "../../collections/with-timeout.ts";
import { createProcessReadings } from "../../telemetry/metrics/merge.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";
import { parseMetricsMessage, parseWorkerMessage, READ_METRICS } from "../worker-messages.ts";

/** Time for workers to say what they have counted, in milliseconds: one may be stopped. */
const TIMEOUT_MS = 2_000;

/** What the workers have counted, those that have ended included. */
export interface WorkerReadings {
  /** Call it for each worker that is started. */
  follow(worker: Worker): void;
  /** Asks all workers. Of one that does not respond in time, what it said last is used. */
  read(): Promise<{ readonly readings: readonly Reading[]; readonly responding: number }>;
}

/** A question to a worker that it has not answered. A worker gets no second one meanwhile. */
interface Question {
  readonly answered: Promise<void>;
  readonly resolve: () => void;
}

export function createWorkerReadings(): WorkerReadings {
  const readings = createProcessReadings<Worker>();
  /** Those that serve. */
  const running = new Set<Worker>();
  const questions = new Map<Worker, Question>();

  const settle = (worker: Worker): void => {
    questions.get(worker)?.resolve();
    questions.delete(worker);
  };
  const ask = (worker: Worker): Promise<void> => {
    const known = questions.get(worker);
    if (known !== undefined) return known.answered;
    let resolve = (): void => undefined;
    const answered = new Promise<void>((done) => {
      resolve = done;
    });
    questions.set(worker, { answered, resolve });
    // It may end at this moment, which its `exit` reports.
    worker.send(READ_METRICS, () => undefined);
    return answered;
  };
  return {
    follow(worker) {
      worker.on("message", (message: unknown) => {
        // A question that came before would be lost.
        if (parseWorkerMessage(message)?.kind === "listening") running.add(worker);
        const reading = parseMetricsMessage(message);
        if (reading === undefined || !running.has(worker)) return;
        readings.put(worker, reading);
        settle(worker);
      });
      worker.process.once("exit", () => {
        running.delete(worker);
        readings.end(worker);
        settle(worker);
      });
    },
    async read() {
      const asked = Array.from(running).filter((worker) => worker.isConnected());
      await withTimeout(TIMEOUT_MS, Promise.all(asked.map(ask)));
      const responding = asked.filter((worker) => running.has(worker) && !questions.has(worker)).length;
      return { readings: readings.all(), responding };
    },
  };
}
