import { setTimeout } from "node:timers/promises";

/** Of the event loop's time, how much the TLS contexts of one tenant may take: a fiftieth. */
const REST = 50;

/** Hands out turns to make something that takes the event loop long. */
export interface ContextTurns {
  /** Calls `make` when the owner's turn has come, and throws what it throws. */
  take<T>(owner: string, make: () => T): Promise<T>;
}

/**
 * A TLS context with 64 KiB of certificates takes the event loop some 20 ms, and an exporter chooses how many there are. So those of
 * one tenant are made one after the other, with a rest between them that is as long as the one before it was expensive; those of
 * other tenants wait for none of them.
 */
export function createContextTurns(now: () => number = () => performance.now()): ContextTurns {
  const latest = new Map<string, Promise<unknown>>();
  return {
    take(owner, make) {
      const before = latest.get(owner);
      const made = before === undefined ? settle(make) : before.then(() => settle(make));
      const rested = made.then(async ({ tookMs }) => setTimeout(tookMs * REST, undefined, { ref: false }));
      latest.set(owner, rested);
      void rested.then(() => {
        if (latest.get(owner) === rested) latest.delete(owner);
      });
      return made.then(({ result }) => result());
    },
  };

  /** What was made, or how it failed, and how long it took. */
  async function settle<T>(make: () => T): Promise<{ readonly tookMs: number; readonly result: () => T }> {
    const from = now();
    try {
      const value = make();
      return { tookMs: now() - from, result: () => value };
    } catch (error) {
      return {
        tookMs: now() - from,
        result: () => {
          throw error;
        },
      };
    }
  }
}
