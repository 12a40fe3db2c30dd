import type { Denial } from "../domain/denial.ts";
import type { UsageAccount, UsageAccounts } from "./usage-accounts.ts";

/** How many invocations may be in flight at once. */
export interface ConcurrencyLimits {
  /** The limit of a capability together with its re-exports. */
  readonly perCapability: number;
  /** The limit of all that runs through a tenant's membranes, from any client. */
  readonly perTenant: number;
  readonly total: number;
}

/**
 * Counts the invocations in flight. The count bounds forwarding loops, whose marks a hostile hop can strip, and the
 * invocations that slow targets hold open.
 */
export interface ConcurrencyLimiter {
  /** Takes a place, until `release`. @returns which count is full; then no place is taken. */
  acquire(accounts: UsageAccounts): Denial | undefined;
  release(accounts: UsageAccounts): void;
  /** How many places are taken. */
  readonly inFlight: number;
}

const OVERLOADED: Denial = { reason: "service_overloaded", limitName: "maxConcurrentInvocations" };
const CAPABILITY_EXCEEDED: Denial = {
  reason: "capability_concurrency_exceeded",
  limitName: "maxConcurrentInvocationsPerCapability",
};
const TENANT_EXCEEDED: Denial = {
  reason: "tenant_concurrency_exceeded",
  limitName: "maxConcurrentInvocationsPerTenant",
};

export function createConcurrencyLimiter(limits: ConcurrencyLimits): ConcurrencyLimiter {
  let inFlight = 0;
  return {
    acquire({ capabilities, tenants }) {
      if (inFlight >= limits.total) return OVERLOADED;
      if (isFull(capabilities, limits.perCapability)) return CAPABILITY_EXCEEDED;
      if (isFull(tenants, limits.perTenant)) return TENANT_EXCEEDED;
      inFlight += 1;
      for (const account of capabilities) account.invocations += 1;
      for (const account of tenants) account.invocations += 1;
      return undefined;
    },
    get inFlight() {
      return inFlight;
    },
    release({ capabilities, tenants }) {
      inFlight -= 1;
      for (const account of capabilities) account.invocations -= 1;
      for (const account of tenants) account.invocations -= 1;
    },
  };
}

function isFull(accounts: readonly UsageAccount[], limit: number): boolean {
  for (const { invocations } of accounts) if (invocations >= limit) return true;
  return false;
}
