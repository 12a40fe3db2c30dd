import type { RevocationFeed } from "./revocation-feed.ts";

/** How often the revocation log is read for the sake of streams that ask nothing themselves, in milliseconds. */
const POLL_INTERVAL_MS = 200;

/**
 * Follows the revocation log while streams are open, so that what another process revoked ends here within a second.
 * Without an answer from the store for `blindMs` everything under way is cut: it may have been revoked long ago.
 *
 * @returns how to stop.
 */
export function watchRevocations(
  feed: RevocationFeed,
  inFlight: { readonly size: number; revokeAll(): void },
  maxStalenessMs: number,
  report: { fault(error: unknown): void },
): () => void {
  let isReading = false;
  let staleTimer: NodeJS.Timeout | undefined;

  const read = async (): Promise<void> => {
    isReading = true;
    staleTimer = setTimeout(() => inFlight.revokeAll(), maxStalenessMs);
    try {
      await feed.advance();
    } catch (error) {
      report.fault(error);
      inFlight.revokeAll();
    } finally {
      clearTimeout(staleTimer);
      isReading = false;
    }
  };
  const timer = setInterval(() => {
    if (!isReading && inFlight.size > 0) void read();
  }, POLL_INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    clearTimeout(staleTimer);
  };
}
