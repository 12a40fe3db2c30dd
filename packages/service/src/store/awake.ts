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
 * @param now a clock that goes on while the machine sleeps, in milliseconds. Set back or ahead, it costs one look more.
 */
export function createAwakeFeed(
  feed: RevocationFeed,
  blind: (error?: unknown) => void,
  now: () => number,
): AwakeFeed {
  let lookedAt = now();
  const looked = (): void => {
    lookedAt = now();
  };
  const advance = (): Awaitable<void> => when(feed.advance(), looked);
  return {
    position: feed.position,
    listen: feed.listen,
    advance,
    keepUp() {
      if (Math.abs(now() - lookedAt) < STALE_MS) return;
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
