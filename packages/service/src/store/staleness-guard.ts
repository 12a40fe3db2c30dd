import { thenMaybe } from "../collections/maybe-promise.ts";
import type { MaybePromise } from "../collections/maybe-promise.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

/** How long ago the log may have been read for a piece of a body to pass, in milliseconds: twice what a stream waits anyway. */
const MAX_STALENESS_MS = 500;

/** A feed that knows when it was asked last. */
export interface StalenessGuard extends RevocationFeed {
  /**
   * Asked before anything passes in either direction. A process that was paused wakes with bytes to pass on, and its timers,
   * which would ask the log, may come after them.
   */
  ensureFresh(): void;
}

/**
 * @param onStale whom nothing may pass for any more: the log cannot be read, or not at once.
 * @param now two clocks, in milliseconds. The wall clock goes on while the machine sleeps, and can be set back by as much
 *   as was slept; the monotonic one goes on while the process is stopped. If either has advanced too far, the log is read.
 */
export function createStalenessGuard(
  feed: RevocationFeed,
  onStale: (error?: unknown) => void,
  now: { readonly wall: () => number; readonly monotonic: () => number },
): StalenessGuard {
  let wall = now.wall();
  let monotonic = now.monotonic();
  const markRead = (): void => {
    wall = now.wall();
    monotonic = now.monotonic();
  };
  const advance = (): MaybePromise<void> => thenMaybe(feed.advance(), markRead);
  return {
    position: feed.position,
    listen: feed.listen,
    advance,
    ensureFresh() {
      if (Math.abs(now.wall() - wall) < MAX_STALENESS_MS && now.monotonic() - monotonic < MAX_STALENESS_MS)
        return;
      try {
        const pending = advance();
        if (!(pending instanceof Promise)) return;
        // An engine over a network answers later: what waits meanwhile would have to be held, so it is cut.
        pending.catch(() => undefined);
        onStale();
      } catch (error) {
        onStale(error);
      }
    },
  };
}
