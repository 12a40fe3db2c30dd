import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";

/** A request in flight, checked at intervals. */
export interface Tickable extends Indexed {
  /** Ends the request if its time is over. `now` is monotonic, in milliseconds. */
  tick(now: number): void;
}

/**
 * One timer for all requests in flight, since setting and clearing a timer for each would cost more than the checks. A
 * request that is late is noticed a quarter of a second later at most.
 */
export interface Ticker {
  now(): number;
  add(tickable: Tickable): void;
  delete(tickable: Tickable): void;
  stop(): void;
}

const TICK_MS = 250;

/** @param now a monotonic clock, in milliseconds: a request must not end because the time of day is set. */
export function createTicker(now: () => number): Ticker {
  const active = new SwapRemoveList<Tickable>();
  const timer = setInterval(() => {
    const at = now();
    active.forEach((tickable) => tickable.tick(at));
  }, TICK_MS).unref();
  return {
    now,
    add: (tickable) => active.add(tickable),
    delete: (tickable) => void active.delete(tickable),
    stop: () => clearInterval(timer),
  };
}
