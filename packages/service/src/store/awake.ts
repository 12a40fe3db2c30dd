import { when } from "../domain/awaitable.ts";
import type { Awaitable } from "../domain/awaitable.ts";
import type { RevocationFeed } from "./revocation-feed.ts";

/** How long ago the log may have been read for a piece of a body to pass, in milliseconds: twice what a stream waits anyway. */
const STALE_MS = 500;

/** A feed that knows when it was asked last. */
export interface AwakeFeed extends RevocationFeed {
  /**
   * Asked before anything passes in either direction. A process that was paused wakes with bytes to pass on, and its timers,
   * which would ask the log, may come after them.
   */
  keepUp(): void;
}

/**
 * @param blind whom nothing may pass for any more: the log cannot be read, or not at once.
 * @param now two clocks, in milliseconds. The wall clock goes on while the machine sleeps, and can be set back by as much
 *   as was slept; the monotonic one goes on while the process is stopped. If either has advanced too far, the log is read.
 */
export function createAwakeFeed(
  feed: RevocationFeed,
  blind: (error?: unknown) => void,
  now: { readonly wall: () => number; readonly monotonic: () => number },
): AwakeFeed {
  let wall = now.wall();
  let monotonic = now.monotonic();
  const looked = (): void => {
    wall = now.wall();
    monotonic = now.monotonic();
  };
  const advance = (): Awaitable<void> => when(feed.advance(), looked);
  return {
    position: feed.position,
    listen: feed.listen,
    advance,
    keepUp() {
      if (Math.abs(now.wall() - wall) < STALE_MS && now.monotonic() - monotonic < STALE_MS) return;
      try {
        const asked = advance();
        if (!(asked instanceof Promise)) return;
        // An engine over a network answers later: what waits meanwhile would have to be held, so it is cut.
        asked.catch(() => undefined);
        blind();
      } catch (error) {
        blind(error);
      }
    },
  };
}
