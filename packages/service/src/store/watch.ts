import type { RevocationFeed } from "./revocation-feed.ts";

/** How often the revocation log is read for the sake of streams that ask nothing themselves, in milliseconds. */
const WATCH_MS = 200;

/**
 * Follows the revocation log while streams are open, so that what another process revoked ends here within a second.
 * Without an answer from the store for `blindMs` everything under way is cut: it may have been revoked long ago.
 *
 * @returns how to stop.
 */
export function watchRevocations(
  feed: RevocationFeed,
  admissions: { readonly size: number; revokeAll(): void },
  blindMs: number,
  report: { fault(error: unknown): void },
): () => void {
  let isAsking = false;
  let blind: NodeJS.Timeout | undefined;

  const ask = async (): Promise<void> => {
    isAsking = true;
    blind = setTimeout(() => admissions.revokeAll(), blindMs);
    try {
      await feed.advance();
    } catch (error) {
      report.fault(error);
      admissions.revokeAll();
    } finally {
      clearTimeout(blind);
      isAsking = false;
    }
  };
  const timer = setInterval(() => {
    if (!isAsking && admissions.size > 0) void ask();
  }, WATCH_MS).unref();
  return () => {
    clearInterval(timer);
    clearTimeout(blind);
  };
}
