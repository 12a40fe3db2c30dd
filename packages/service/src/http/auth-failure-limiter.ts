import { LRUCache } from "lru-cache";

/**
 * Counts, for each address, the requests whose token did not work. A token cannot be guessed, but each try costs a read of the
 * store.
 */
export interface AuthFailureLimiter {
  /** No address has failed within the last minute, so the caller need not determine the client's address. */
  readonly isEmpty: boolean;
  isBlocked(address: string): boolean;
  record(address: string): void;
}

const MINUTE_MS = 60_000;

/** More addresses than this fail within a minute only in an attack. The ones that failed longest ago are forgotten first. */
const MAX_ADDRESSES = 100_000;

/** @param perMinute how many requests may fail in the minute that begins with the first. */
export function createAuthFailureLimiter(perMinute: number, now: () => number): AuthFailureLimiter {
  /** Made for the first failure, and dropped a minute after the last: it has all its memory, 3 MB, from the start. */
  let counts: LRUCache<string, { since: number; count: number }> | undefined;
  const recent = (address: string): { since: number; count: number } | undefined => {
    const found = counts?.get(address);
    return found !== undefined && now() - found.since < MINUTE_MS ? found : undefined;
  };
  let lastFailureAt = 0;
  return {
    get isEmpty() {
      if (counts !== undefined && now() - lastFailureAt >= MINUTE_MS) counts = undefined;
      return counts === undefined;
    },
    isBlocked: (address) => (recent(address)?.count ?? 0) >= perMinute,
    record(address) {
      lastFailureAt = now();
      const entry = recent(address);
      if (entry !== undefined) entry.count += 1;
      else (counts ??= new LRUCache({ max: MAX_ADDRESSES })).set(address, { since: now(), count: 1 });
    },
  };
}
