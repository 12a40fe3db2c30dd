import { Roster } from "../domain/roster.ts";
import type { Enrolled } from "../domain/roster.ts";

/** Something under way that must go on. */
export interface Paced extends Enrolled {
  /** Asked again and again while it is under way; ends itself when its time is over. `now` in milliseconds, monotonic. */
  tick(now: number): void;
}

/**
 * One timer for all that is under way: a timer for each request, set and cleared again, would cost more than what it
 * guards. What is late is seen a quarter of a second later at most.
 */
export interface Pace {
  now(): number;
  add(paced: Paced): void;
  delete(paced: Paced): void;
  stop(): void;
}

const TICK_MS = 250;

export function createPace(): Pace {
  const underWay = new Roster<Paced>();
  const now = (): number => performance.now();
  const timer = setInterval(() => {
    const at = now();
    underWay.forEach((paced) => paced.tick(at));
  }, TICK_MS).unref();
  return {
    now,
    add: (paced) => underWay.add(paced),
    delete: (paced) => void underWay.delete(paced),
    stop: () => clearInterval(timer),
  };
}

/** How fast the other side must at least be. */
export interface LeastRate {
  /** How long it is watched before it is judged, in milliseconds. */
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** Bytes that went through, watched while the other side is waited for. */
export interface Window {
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
export function judgeRate(
  window: Window | undefined,
  bytes: number,
  now: number,
  { windowMs, bytesPerSecond }: LeastRate,
): Window | "too_slow" {
  if (window === undefined) return { since: now, bytes };
  const elapsed = now - window.since;
  if (elapsed < windowMs) return window;
  return (bytes - window.bytes) * 1_000 < bytesPerSecond * elapsed ? "too_slow" : { since: now, bytes };
}
