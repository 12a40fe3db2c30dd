import { SwapRemoveList } from "../collections/swap-remove-list.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";

/** Something under way that must go on. */
export interface Tickable extends Indexed {
  /** Asked again and again while it is under way; ends itself when its time is over. `now` in milliseconds, monotonic. */
  tick(now: number): void;
}

/**
 * One timer for all that is under way: a timer for each request, set and cleared again, would cost more than what it
 * guards. What is late is seen a quarter of a second later at most.
 */
export interface Ticker {
  now(): number;
  add(tickable: Tickable): void;
  delete(tickable: Tickable): void;
  stop(): void;
}

const TICK_MS = 250;

export function createTicker(): Ticker {
  const active = new SwapRemoveList<Tickable>();
  const now = (): number => performance.now();
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

/** How fast the other side must at least be. */
export interface MinDataRate {
  /** How long it is watched before it is judged, in milliseconds. */
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** Bytes that went through, watched while the other side is waited for. */
export interface RateWindow {
  readonly since: number;
  readonly bytes: number;
}

/**
 * Judges a stretch of time in which the other side alone was waited for.
 *
 * @param window where the stretch began; nothing if nobody was waited for.
 * @param bytes that went through in all.
 * @returns the window to go on with, or that it was too slow.
 */
export function checkRate(
  window: RateWindow | undefined,
  bytes: number,
  now: number,
  { windowMs, bytesPerSecond }: MinDataRate,
): RateWindow | "too_slow" {
  if (window === undefined) return { since: now, bytes };
  const elapsed = now - window.since;
  if (elapsed < windowMs) return window;
  return (bytes - window.bytes) * 1_000 < bytesPerSecond * elapsed ? "too_slow" : { since: now, bytes };
}
