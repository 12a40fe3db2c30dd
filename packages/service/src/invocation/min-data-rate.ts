/** How fast the other side must send or read. */
export interface MinDataRate {
  /** The length of a window, in milliseconds. */
  readonly windowMs: number;
  readonly bytesPerSecond: number;
}

/** A stretch of time in which only the other side is waited for. */
export interface RateWindow {
  /** When it began, in milliseconds. */
  readonly since: number;
  /** How many bytes had been transferred by then. */
  readonly bytes: number;
}

/**
 * Checks the rate at the end of a window.
 *
 * @param window the current one; absent if the other side was not waited for until now.
 * @param bytes how many were transferred in all.
 * @returns the window to continue with, or that the other side was too slow.
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
