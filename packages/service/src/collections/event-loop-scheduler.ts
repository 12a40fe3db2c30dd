import type { FairOwner } from "./fair-queue.ts";
import { FairQueue } from "./fair-queue.ts";

/** From this time on, in milliseconds, an item is followed by a pause; a timer cannot be set for less. */
const MIN_PAUSE_MS = 1;

/** How long after something urgent the next is expected, in milliseconds: revokes seldom come alone. */
const URGENT_AFTERWARDS_MS = 20;

/**
 * Queues work that blocks the event loop: one item in a turn, tenant by tenant. An item is followed by a pause as long as itself,
 * so that half of the time is left to requests that are not queued: each of them takes several turns. A short item is followed by
 * one only while something urgent is in progress, and shortly after.
 */
export interface EventLoopScheduler {
  /** Resolves in the owner's turn; the work must follow at once. */
  nextTurn(owner: FairOwner): Promise<void>;
  /**
   * Spaces out the queued work while `act` is in progress, and for 20 milliseconds after it. A revoke takes a dozen turns, and each
   * of them would carry an item; the next one would wait to be read until several items are done.
   */
  urgent<T>(act: () => Promise<T>): Promise<T>;
}

export function createEventLoopScheduler(
  monotonic: () => number = () => performance.now(),
): EventLoopScheduler {
  const waiting = new FairQueue<{ owner: FairOwner; cost: number; begin: () => void }>();
  let isScheduled = false;
  let begun: number | undefined;
  let urgent = 0;
  const schedule = (): void => {
    isScheduled = true;
    setImmediate(beginNext);
    setImmediate(pause);
  };
  const beginNext = (): void => {
    const [item] = waiting.shift(1);
    begun = item === undefined ? undefined : monotonic();
    item?.begin();
  };
  /** Runs in the same turn, once the item has done its work: no other request is handled in between. */
  const pause = (): void => {
    isScheduled = begun !== undefined;
    if (begun === undefined) return;
    const elapsed = monotonic() - begun;
    if (elapsed < MIN_PAUSE_MS && urgent === 0) schedule();
    else setTimeout(schedule, Math.max(elapsed, MIN_PAUSE_MS));
  };
  return {
    nextTurn: (owner) =>
      new Promise((begin) => {
        waiting.push({ owner, cost: 1, begin });
        if (!isScheduled) schedule();
      }),
    async urgent(act) {
      urgent += 1;
      try {
        return await act();
      } finally {
        setTimeout(() => (urgent -= 1), URGENT_AFTERWARDS_MS).unref();
      }
    },
  };
}
