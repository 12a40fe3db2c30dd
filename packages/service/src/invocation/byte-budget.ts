import type { Denial } from "../domain/denial.ts";
import type { Account, Accounts, ByteBudget } from "./accounts.ts";
import type { BodyShare } from "./held-body.ts";

/**
 * Shared memory for bodies. A tenant may hold as much as is left free, a capability half as much. So one tenant gets at most a
 * half of the budget, one capability a third, and the next one the same part of what is left ("dynamic thresholds", Choudhury
 * and Hahne 1998).
 */
export interface BudgetOfBytes {
  /** @param accounts must be refreshed; they are charged, and later credited. */
  shareOf(accounts: Accounts): BodyShare;
}

/** How much a capability may hold, as a part of what a tenant may. */
const CAPABILITY_PART = 0.5;

/**
 * @param limit of all bodies together, in bytes.
 * @param name which of the budgets of an account this is.
 */
export function createByteBudget(limit: number, name: ByteBudget): BudgetOfBytes {
  let held = 0;
  const add = (accounts: readonly Account[], bytes: number): void => {
    for (const account of accounts) account[name] += bytes;
  };
  const isOver = (accounts: readonly Account[], bytes: number, most: number): boolean =>
    accounts.some((account) => account[name] + bytes > most);

  return {
    shareOf: ({ capabilities, tenants }) => ({
      take(bytes): Denial | undefined {
        const free = limit - held - bytes;
        if (free < 0) return { reason: "service_busy" };
        if (isOver(capabilities, bytes, free * CAPABILITY_PART)) return { reason: "capability_busy" };
        if (isOver(tenants, bytes, free)) return { reason: "tenant_busy" };
        held += bytes;
        add(capabilities, bytes);
        add(tenants, bytes);
        return undefined;
      },
      giveBack(bytes) {
        held -= bytes;
        add(capabilities, -bytes);
        add(tenants, -bytes);
      },
    }),
  };
}
