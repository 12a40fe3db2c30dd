import type { RevocationFeed } from "./revocation-feed.ts";

/** How old the last look at the log may be when a chunk passes, in milliseconds: twice the watcher's interval, and more. */
const MAX_STALENESS_MS = 500;

/** A feed that remembers when it last advanced. */
export interface StalenessGuard extends RevocationFeed {
  /**
   * Called before each chunk passes, in either direction. A suspended process can wake with chunks to pass before the timers
   * that read the log.
   */
  ensureFresh(): void;
}

/**
 * @param onStale called when the log is not known or cannot be read: no request in flight may pass anything more.
 * @param now two clocks, in milliseconds. The wall clock advances while the machine sleeps, but can be set back; the
 *   monotonic clock advances while the process is stopped. If either has advanced too far, the log is read.
 */
export function createStalenessGuard(
  feed: RevocationFeed,
  onStale: (error?: unknown) => void,
  now: { readonly wall: () => number; readonly monotonic: () => number },
): StalenessGuard {
  let wall = now.wall();
  let monotonic = now.monotonic();
  const advance = (): boolean => {
    // Before the log is read: what is known is at least as old as the read.
    const wallBefore = now.wall();
    const monotonicBefore = now.monotonic();
    if (!feed.advance()) return false;
    wall = wallBefore;
    monotonic = monotonicBefore;
    return true;
  };
  const wait = async (): Promise<void> => {
    await feed.refresh();
    advance();
  };
  return {
    position: feed.position,
    listen: feed.listen,
    advance,
    refresh: () => (advance() ? undefined : wait()),
    ensureFresh() {
      if (Math.abs(now.wall() - wall) < MAX_STALENESS_MS && now.monotonic() - monotonic < MAX_STALENESS_MS)
        return;
      try {
        if (!advance()) onStale();
      } catch (error) {
        onStale(error);
      }
    },
  };
}
