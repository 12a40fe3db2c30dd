import type { RevocationFeed } from "./revocation-feed.ts";

/** A feed that what is in flight is held to, too. */
export interface StalenessGuard extends RevocationFeed {
  /**
   * Called before what was read passes, in either direction. A suspended process can wake with bytes to pass before the timers
   * that read the log.
   */
  ensureFresh(): void;
}

export interface StalenessOptions {
  /**
   * How old the last look at the log may be when something passes, in milliseconds. 0: there is a look at each chunk of a request's body,
   * at each read of a target's response, and at each piece of a WebSocket.
   */
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
  /** When the log was read last because something passed: each request reads it more often, without a look at the clocks. */
  let wall = now.wall();
  let monotonic = now.monotonic();
  const read = (): boolean => {
    try {
      if (feed.advance()) return true;
      onStale();
    } catch (error) {
      onStale(error);
    }
    return false;
  };
  return {
    ...feed,
    ensureFresh() {
      if (maxAgeMs === 0) return void read();
      // Before the log is read: what is known is at least as old as the read.
      const [wallNow, monotonicNow] = [now.wall(), now.monotonic()];
      if (Math.abs(wallNow - wall) < maxAgeMs && monotonicNow - monotonic < maxAgeMs) return;
      if (!read()) return;
      wall = wallNow;
      monotonic = monotonicNow;
    },
  };
}
