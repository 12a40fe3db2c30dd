import type { Denial } from "../domain/denial.ts";
import { Standing } from "../domain/standing.ts";
import type { Uid } from "../domain/uid.ts";

/** How many invocations may be under way at once. */
export interface OccupancyLimits {
  readonly perCapability: number;
  /** Of all that runs through a tenant's membranes, whoever invokes it. */
  readonly perTenant: number;
  readonly inAll: number;
}

/** Who takes a place. */
export interface Occupant {
  readonly capability: { readonly uid: Uid };
  /** Tenants in its lineage. */
  readonly tenants: readonly Uid[];
}

/**
 * Counts the invocations under way. The marks of a forwarding loop can be stripped by a hostile hop, and slow targets hold
 * what they are given: these counts are what bounds both.
 */
export interface Occupancy {
  /** Takes a place, which must be given back with `leave`, or says which count is full and takes none. */
  enter(occupant: Occupant): Denial | undefined;
  leave(occupant: Occupant): void;
}

export function createOccupancy(limits: OccupancyLimits): Occupancy {
  const capabilities = countEach();
  const tenants = countEach();
  let all = 0;
  return {
    enter({ capability, tenants: through }) {
      if (all >= limits.inAll) return { reason: "service_busy" };
      const own = capabilities.at(capability.uid);
      if (own.count >= limits.perCapability) return { reason: "capability_busy" };
      for (const tenant of through)
        if (tenants.at(tenant).count >= limits.perTenant) return { reason: "tenant_busy" };
      all += 1;
      own.count += 1;
      for (const tenant of through) tenants.at(tenant).count += 1;
      return undefined;
    },
    leave({ capability, tenants: through }) {
      all -= 1;
      capabilities.at(capability.uid).count -= 1;
      for (const tenant of through) tenants.at(tenant).count -= 1;
    },
  };
}

function countEach(): Standing<Uid, { count: number }> {
  return new Standing({ make: () => ({ count: 0 }), isIdle: ({ count }) => count === 0 });
}
