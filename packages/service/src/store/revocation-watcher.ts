import type { StalenessGuard } from "./staleness-guard.ts";
import { isStoreOutage } from "./store.ts";

/** How often the revocation log and the clock are read while requests are in flight, in milliseconds. */
const POLL_INTERVAL_MS = 200;

/**
 * Reads the revocation log while requests are in flight, so that a revoke by another process ends them here within a
 * second, and an expiry too: a timer for it would not follow a clock that is set. Ends all of them if the log cannot be read, or is
 * not known for `maxStalenessMs`: they may be revoked.
 *
 * @returns a function that stops the watcher.
 */
export function watchRevocations(
  feed: Pick<StalenessGuard, "refresh" | "ensureFresh">,
  inFlight: { readonly size: number; revokeAll(code: "STALE"): void; revokeExpired(): void },
  maxStalenessMs: number,
  report: { fault(error: unknown): void },
): () => void {
  let isReading = false;
  let staleTimer: NodeJS.Timeout | undefined;

  const read = async (): Promise<void> => {
    isReading = true;
    staleTimer = setTimeout(() => inFlight.revokeAll("STALE"), maxStalenessMs);
    try {
      await feed.refresh();
    } catch (error) {
      if (!isStoreOutage(error)) report.fault(error);
      inFlight.revokeAll("STALE");
    } finally {
      clearTimeout(staleTimer);
      isReading = false;
    }
  };
  const timer = setInterval(() => {
    if (inFlight.size === 0) return;
    inFlight.revokeExpired();
    // What has nothing to pass does not look itself.
    feed.ensureFresh();
    if (!isReading) void read();
  }, POLL_INTERVAL_MS).unref();
  return () => {
    clearInterval(timer);
    clearTimeout(staleTimer);
  };
}
