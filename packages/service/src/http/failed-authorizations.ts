import { LRUCache } from "lru-cache";

/**
 * Counts the requests of an address whose token did not work. A token cannot be guessed; but each try costs a look into the
 * store, and whoever makes thousands is not served by more of them.
 */
export interface FailedAuthorizations {
  /** Nobody has failed of late: there is no need to ask who it is. */
  readonly isQuiet: boolean;
  isOver(address: string): boolean;
  count(address: string): void;
}

const MINUTE_MS = 60_000;

/** More addresses than this fail at once only in an attack; the ones that failed longest ago are forgotten first. */
const ADDRESSES = 100_000;

/** @param perMinute how many may fail in a minute that begins with the first. */
export function createFailedAuthorizations(perMinute: number, now: () => number): FailedAuthorizations {
  const counts = new LRUCache<string, { since: number; count: number }>({ max: ADDRESSES });
  const recent = (address: string): { since: number; count: number } | undefined => {
    const found = counts.get(address);
    return found !== undefined && now() - found.since < MINUTE_MS ? found : undefined;
  };
  let last = 0;
  return {
    get isQuiet() {
      if (counts.size > 0 && now() - last >= MINUTE_MS) counts.clear();
      return counts.size === 0;
    },
    isOver: (address) => (recent(address)?.count ?? 0) >= perMinute,
    count(address) {
      last = now();
      const known = recent(address);
      if (known === undefined) counts.set(address, { since: now(), count: 1 });
      else known.count += 1;
    },
  };
}
