import { setTimeout } from "node:timers/promises";

/** The TLS contexts of one tenant may take one part in so many of the event loop's time. */
const REST = 50;

/** Hands out turns to make something that blocks the event loop for long. */
export interface ContextTurns {
  /** Calls `make` in the owner's turn. Rejects with what it throws. */
  take<T>(owner: string, make: () => T): Promise<T>;
}

/**
 * A TLS context with 64 KiB of certificates takes the event loop some 20 ms, and an exporter chooses how many there are. So
 * those of one tenant are made one after the other, each followed by a pause {@link REST} times as long as it took. Other
 * tenants do not wait for them.
 */
export function createContextTurns(
  now: () => number = () => performance.now(),
  rest: number = REST,
): ContextTurns {
  const latest = new Map<string, Promise<unknown>>();
  return {
    take(owner, make) {
      const before = latest.get(owner);
      const made = before === undefined ? settle(make) : before.then(() => settle(make));
      const rested = made.then(async ({ tookMs }) => setTimeout(tookMs * rest, undefined, { ref: false }));
      latest.set(owner, rested);
      void rested.then(() => {
        if (latest.get(owner) === rested) latest.delete(owner);
      });
      return made.then(({ result }) => result());
    },
  };

  /** Calls `make`, and says how long it took. */
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
