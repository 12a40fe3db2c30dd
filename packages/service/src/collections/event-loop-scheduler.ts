import type { FairOwner } from "./fair-queue.ts";
import { FairQueue } from "./fair-queue.ts";

/** Queues work that blocks the event loop for half a millisecond or more: one item in each turn, tenant by tenant. */
export interface EventLoopScheduler {
  /** Resolves in the owner's turn; the work must follow at once. */
  nextTurn(owner: FairOwner): Promise<void>;
}

export function createEventLoopScheduler(): EventLoopScheduler {
  const waiting = new FairQueue<{ owner: FairOwner; cost: number; begin: () => void }>();
  const next = (): void => {
    const taken = waiting.shift(1);
    if (waiting.size > 0) setImmediate(next);
    for (const { begin } of taken) begin();
  };
  return {
    nextTurn: (owner) =>
      new Promise((begin) => {
        if (waiting.size === 0) setImmediate(next);
        waiting.push({ owner, cost: 1, begin });
      }),
  };
}
