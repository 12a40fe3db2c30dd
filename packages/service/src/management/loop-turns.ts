import type { FairOwner } from "../collections/fair-queue.ts";
import { FairQueue } from "../collections/fair-queue.ts";

/** Queues work that takes the event loop half a millisecond or more: one item in each turn, tenant by tenant. */
export interface LoopTurns {
  /** Resolves in the owner's turn; the work must follow at once. */
  wait(owner: FairOwner): Promise<void>;
}

export function createLoopTurns(): LoopTurns {
  const waiting = new FairQueue<{ owner: FairOwner; turns: number; begin: () => void }>();
  const next = (): void => {
    const taken = waiting.shift(1);
    if (waiting.size > 0) setImmediate(next);
    for (const { begin } of taken) begin();
  };
  return {
    wait: (owner) =>
      new Promise((begin) => {
        if (waiting.size === 0) setImmediate(next);
        waiting.push({ owner, turns: 1, begin });
      }),
  };
}
