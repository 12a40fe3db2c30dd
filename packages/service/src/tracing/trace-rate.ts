/** Whom a request counts against. */
export interface TraceOwners {
  /** The capability, and every capability that it re-exports. */
  readonly capabilities: readonly TraceOwner[];
  readonly tenants: readonly TraceOwner[];
}

interface TraceOwner {
  readonly uid: string;
}

/** How many requests are recorded, so that no client decides it with what it sends. */
export interface TraceRate {
  /** How many requests were not recorded because of it. */
  readonly refused: number;
  /** Takes a place in this second, if there is one for these owners. */
  take(owners: TraceOwners): boolean;
}

/** How much a capability may take, as a part of what a tenant may. */
const CAPABILITY_FRACTION = 0.5;

const WINDOW_MS = 1_000;

/**
 * Limits the requests that are recorded in each second. A tenant may take as many as are left free, a capability half as many, as with
 * the budgets of memory: one tenant gets at most a half, one capability a third.
 *
 * @param monotonic in milliseconds.
 */
export function createTraceRate(limit: number, monotonic: () => number): TraceRate {
  let windowEnd = Number.NEGATIVE_INFINITY;
  let taken = 0;
  let refused = 0;
  /** Not more than were taken, times the owners of each. */
  const counts = new Map<string, number>();
  const allTake = (owners: readonly TraceOwner[], fewerThan: number): boolean =>
    owners.every(({ uid }) => (counts.get(uid) ?? 0) < fewerThan);
  const add = ({ uid }: TraceOwner): void => void counts.set(uid, (counts.get(uid) ?? 0) + 1);
  return {
    get refused() {
      return refused;
    },
    take({ capabilities, tenants }) {
      const now = monotonic();
      if (now >= windowEnd) {
        windowEnd = now + WINDOW_MS;
        taken = 0;
        counts.clear();
      }
      const free = limit - taken;
      if (free <= 0 || !allTake(tenants, free) || !allTake(capabilities, free * CAPABILITY_FRACTION)) {
        refused += 1;
        return false;
      }
      taken += 1;
      capabilities.forEach(add);
      tenants.forEach(add);
      return true;
    },
  };
}
