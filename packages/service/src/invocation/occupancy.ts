import type { Denial } from "../domain/denial.ts";
import type { Account, Accounts } from "./accounts.ts";

/** How many invocations may be in flight at once. */
export interface OccupancyLimits {
  /** Of a capability and its re-exports. */
  readonly perCapability: number;
  /** Of all that runs through a tenant's membranes, whoever invokes it. */
  readonly perTenant: number;
  readonly inAll: number;
}

/**
 * Counts the invocations under way. The marks of a forwarding loop can be stripped by a hostile hop, and slow targets hold
 * what they are given: these counts are what bounds both.
 */
export interface Occupancy {
  /** Takes a place, which must be given back with `leave`, or says which count is full and takes none. */
  enter(accounts: Accounts): Denial | undefined;
  leave(accounts: Accounts): void;
}

export function createOccupancy(limits: OccupancyLimits): Occupancy {
  let all = 0;
  return {
    enter({ capabilities, tenants }) {
      if (all >= limits.inAll) return { reason: "service_busy" };
      if (isFull(capabilities, limits.perCapability)) return { reason: "capability_busy" };
      if (isFull(tenants, limits.perTenant)) return { reason: "tenant_busy" };
      all += 1;
      for (const account of capabilities) account.invocations += 1;
      for (const account of tenants) account.invocations += 1;
      return undefined;
    },
    leave({ capabilities, tenants }) {
      all -= 1;
      for (const account of capabilities) account.invocations -= 1;
      for (const account of tenants) account.invocations -= 1;
    },
  };
}

function isFull(accounts: readonly Account[], limit: number): boolean {
  for (const { invocations } of accounts) if (invocations >= limit) return true;
  return false;
}
