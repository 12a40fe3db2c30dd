import type { RevocationSource } from "../store/store.ts";

/** How often the lease is checked, in milliseconds: well below the time for which a request waits for one. */
const INTERVAL_MS = 100;

/**
 * Reports when a node loses its lease, since its database is gone or responds too late, and when it has one again. Meanwhile it does
 * not know what was revoked, and passes nothing on.
 *
 * @returns a function that stops the watch.
 */
export function watchLease(
  store: Pick<RevocationSource, "position">,
  report: { leaseLost(): void; leaseRegained(event: { readonly afterMs: number }): void },
  monotonic: () => number,
): () => void {
  let lostAt: number | undefined;
  const timer = setInterval(() => {
    const isHeld = store.position() !== undefined;
    if (isHeld === (lostAt === undefined)) return;
    if (lostAt === undefined) {
      lostAt = monotonic();
      report.leaseLost();
    } else {
      report.leaseRegained({ afterMs: Math.round(monotonic() - lostAt) });
      lostAt = undefined;
    }
  }, INTERVAL_MS).unref();
  return () => clearInterval(timer);
}
