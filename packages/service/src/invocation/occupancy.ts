import type { Denial } from "../domain/denial.ts";
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
  const capabilities = new Map<Uid, number>();
  const tenants = new Map<Uid, number>();
  let all = 0;
  return {
    enter(occupant) {
      if (all >= limits.inAll) return { reason: "service_busy" };
      if (isFull(capabilities, occupant.capability.uid, limits.perCapability))
        return { reason: "capability_busy" };
      for (const tenant of occupant.tenants) {
        if (isFull(tenants, tenant, limits.perTenant)) return { reason: "tenant_busy" };
      }
      all += 1;
      add(capabilities, occupant.capability.uid, 1);
      for (const tenant of occupant.tenants) add(tenants, tenant, 1);
      return undefined;
    },
    leave(occupant) {
      all -= 1;
      add(capabilities, occupant.capability.uid, -1);
      for (const tenant of occupant.tenants) add(tenants, tenant, -1);
    },
  };
}

function isFull(counts: ReadonlyMap<Uid, number>, uid: Uid, limit: number): boolean {
  return (counts.get(uid) ?? 0) >= limit;
}

/** Nothing is kept of who has nothing under way. */
function add(counts: Map<Uid, number>, uid: Uid, change: 1 | -1): void {
  const count = (counts.get(uid) ?? 0) + change;
  if (count === 0) counts.delete(uid);
  else counts.set(uid, count);
}
