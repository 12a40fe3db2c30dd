import type { RevocationFeed } from "./revocation-feed.ts";

/** A feed that remembers when it last advanced. */
export interface StalenessGuard extends RevocationFeed {
  /**
   * Called before each chunk passes, in either direction. A suspended process can wake with chunks to pass before the timers
   * that read the log.
   */
  ensureFresh(): void;
}

export interface StalenessOptions {
  /** How old the last look at the log may be when a chunk passes, in milliseconds. 0: each chunk looks. */
  readonly maxAgeMs: number;
  /** Called when the log is not known or cannot be read: no request in flight may pass anything more. */
  readonly onStale: (error?: unknown) => void;
  /**
   * Two clocks, in milliseconds. The wall clock advances while the machine sleeps, but can be set back; the monotonic clock
   * advances while the process is stopped. If either has advanced too far, the log is read.
   */
  readonly now: { readonly wall: () => number; readonly monotonic: () => number };
}

export function createStalenessGuard(
  feed: RevocationFeed,
  { maxAgeMs, onStale, now }: StalenessOptions,
): StalenessGuard {
  let wall = now.wall();
  let monotonic = now.monotonic();
  const advance = (): boolean => {
    if (maxAgeMs === 0) return feed.advance();
    // Before the log is read: what is known is at least as old as the read.
    const wallBefore = now.wall();
    const monotonicBefore = now.monotonic();
    if (!feed.advance()) return false;
    wall = wallBefore;
    monotonic = monotonicBefore;
    return true;
  };
  const wait = async (pending: Promise<void>): Promise<void> => {
    await pending;
    advance();
  };
  return {
    position: feed.position,
    listen: feed.listen,
    holds: feed.holds,
    advance,
    refresh(atLeast) {
      const isFresh = advance();
      if (isFresh && atLeast === undefined) return undefined;
      const pending = feed.refresh(atLeast);
      return pending instanceof Promise ? wait(pending) : undefined;
    },
    ensureFresh() {
      if (Math.abs(now.wall() - wall) < maxAgeMs && now.monotonic() - monotonic < maxAgeMs) return;
      try {
        if (!advance()) onStale();
      } catch (error) {
        onStale(error);
      }
    },
  };
}
