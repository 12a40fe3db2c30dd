import type { Store } from "./store.ts";
import { StoreBusyError, StoreFailedError } from "./store.ts";

/**
 * How many records one transaction deletes. Few, since it takes the event loop and other writers wait for it: half a
 * millisecond (bench/notes.md).
 */
const BATCH_SIZE = 8;

/** How long after a revoke it sweeps, in milliseconds: revokes seldom come alone, and the next one would wait for the deletions. */
const DELAY_MS = 100;

/** How long the sweeper waits when nothing is left, in milliseconds. Another process may leave something meanwhile. */
const IDLE_INTERVAL_MS = 60_000;

/** Deletes what descends from revoked nodes or expired long ago, in the background. */
export interface Sweeper {
  /** Something was revoked. */
  wake(): void;
  /** Resolves when no batch is running. */
  stop(): Promise<void>;
}

export function startSweeper(
  store: Pick<Store, "sweep" | "position">,
  report: { swept(event: { readonly deleted: number }): void; fault(error: unknown): void },
): Sweeper {
  let isStopped = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isSoon = false;
  /** Something was revoked since the last batch was asked for, which perhaps does not see it. */
  let isBehind = false;

  const sweep = (): void => {
    isSoon = false;
    running = sweepAll().finally(() => {
      running = undefined;
      if (isStopped) return;
      if (isBehind) sweepSoon();
      else timer = setTimeout(sweep, IDLE_INTERVAL_MS).unref();
    });
  };
  const sweepSoon = (): void => {
    isSoon = true;
    clearTimeout(timer);
    timer = setTimeout(sweep, DELAY_MS).unref();
  };
  const wake = (): void => {
    isBehind = true;
    // Further revokes do not put it off. What is revoked during a sweep is found by its next batch, or by a sweep after it.
    if (!isStopped && !isSoon && running === undefined) sweepSoon();
  };
  const sweepAll = async (): Promise<void> => {
    let deleted = 0;
    try {
      for (;;) {
        isBehind = false;
        const { deleted: count, more } = await store.sweep(BATCH_SIZE);
        deleted += count;
        if (!more || isStopped) break;
      }
    } catch (error) {
      // It continues later.
      if (!isOutage(error, store)) report.fault(error);
    }
    if (deleted > 0) report.swept({ deleted });
  };

  sweep();
  return {
    wake,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/**
 * Whether a database is out of reach, or has no connection left, which is no defect: the loss of the lease is logged. The error of
 * the server is then the cause. A write that failed is logged as the state of the store.
 */
function isOutage(error: unknown, store: Pick<Store, "position">): boolean {
  if (error instanceof StoreFailedError) return true;
  return error instanceof StoreBusyError && (error.cause !== undefined || store.position() === undefined);
}
