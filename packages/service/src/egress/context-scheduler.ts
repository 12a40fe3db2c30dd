import { setTimeout } from "node:timers/promises";

/** A tenant's TLS contexts take at most one part in this many of the event loop's time. */
const PAUSE_FACTOR = 50;

/**
 * The pause after a context that took 20 ms. What takes longer is hardly ever the work for the context: if the machine stops the process for
 * a second, the tenant's other targets must not wait for fifty, since their connections time out meanwhile.
 */
const MAX_PAUSE_MS = 1_000;

/** Schedules work that blocks the event loop for long. */
export interface ContextScheduler {
  /** Calls `work` in the owner's turn. Rejects with what it throws. */
  run<T>(owner: string, work: () => T): Promise<T>;
}

/**
 * Makes the TLS contexts of one tenant one after the other, each followed by a pause `pauseFactor` times as long as it took, at most a
 * second; other tenants do not wait. A context with 64 KiB of certificates takes the event loop 20 ms, and an exporter chooses how many
 * there are.
 */
export function createContextScheduler({
  now = () => performance.now(),
  pauseFactor = PAUSE_FACTOR,
}: { readonly now?: () => number; readonly pauseFactor?: number } = {}): ContextScheduler {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(owner, work) {
      const previous = tails.get(owner);
      const made = previous === undefined ? timed(work) : previous.then(() => timed(work));
      const paused = made.then(async ({ tookMs }) =>
        setTimeout(Math.min(tookMs * pauseFactor, MAX_PAUSE_MS), undefined, { ref: false }),
      );
      tails.set(owner, paused);
      void paused.then(() => {
        if (tails.get(owner) === paused) tails.delete(owner);
      });
      return made.then(({ result }) => result());
    },
  };

  /** Calls `work` and measures how long it took. */
  async function timed<T>(work: () => T): Promise<{ readonly tookMs: number; readonly result: () => T }> {
    const startedAt = now();
    try {
      const value = work();
      return { tookMs: now() - startedAt, result: () => value };
    } catch (error) {
      return {
        tookMs: now() - startedAt,
        result: () => {
          throw error;
        },
      };
    }
  }
}
