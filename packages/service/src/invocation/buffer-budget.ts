import type { BudgetLimit, Denial } from "../domain/denial.ts";
import type { AccountRegistry, BudgetName, UsageAccount, UsageAccounts } from "./usage-accounts.ts";
import type { BufferShare } from "./buffered-body.ts";

/**
 * Shared memory, for bodies or what else is held for requests. A tenant may hold as much as is left free, a capability half as much. So one
 * tenant gets at most a half of the budget, one capability a third, and the next one the same part of what is left ("dynamic thresholds",
 * Choudhury and Hahne 1998).
 */
export interface BufferBudget {
  /**
   * Takes this many more bytes, which must be released, and adds them to the accounts.
   *
   * @returns why there is no room. Then nothing is taken.
   */
  reserve(accounts: UsageAccounts, bytes: number): Denial | undefined;
  /** Gives back what was reserved for the same accounts. */
  release(accounts: UsageAccounts, bytes: number): void;
  /** Reserves and releases for these accounts. */
  shareFor(accounts: UsageAccounts): BufferShare;
}

/** How much a capability may hold, as a part of what a tenant may. */
const CAPABILITY_FRACTION = 0.5;

/** The limits that set the budgets. */
const LIMITS: Readonly<Record<BudgetName, BudgetLimit>> = {
  bufferedBytes: "bufferedBytesTotal",
  managementBytes: "managementBufferedBytesTotal",
  waitingBytes: "waitingResponseBytesTotal",
  resolutionBytes: "usedResolutionBytesTotal",
};

/**
 * @param limit of all that is held together, in bytes.
 * @param name which of the budgets of an account this is.
 */
export function createBufferBudget(
  limit: number,
  name: BudgetName,
  accountRegistry: Pick<AccountRegistry, "refresh">,
): BufferBudget {
  const limitName = LIMITS[name];
  let reserved = 0;
  const add = (accounts: readonly UsageAccount[], bytes: number): void => {
    for (const account of accounts) account[name] += bytes;
  };
  const exceeds = (accounts: readonly UsageAccount[], bytes: number, max: number): boolean => {
    for (const account of accounts) if (account[name] + bytes > max) return true;
    return false;
  };
  const reserve = (accounts: UsageAccounts, bytes: number): Denial | undefined => {
    // While they counted nothing, they may have been dropped.
    accountRegistry.refresh(accounts);
    const { capabilities, tenants } = accounts;
    const free = limit - reserved - bytes;
    if (free < 0) return { reason: "service_overloaded", limitName };
    if (exceeds(capabilities, bytes, free * CAPABILITY_FRACTION))
      return { reason: "capability_concurrency_exceeded", limitName };
    if (exceeds(tenants, bytes, free)) return { reason: "tenant_concurrency_exceeded", limitName };
    reserved += bytes;
    add(capabilities, bytes);
    add(tenants, bytes);
    return undefined;
  };
  const release = ({ capabilities, tenants }: UsageAccounts, bytes: number): void => {
    reserved -= bytes;
    add(capabilities, -bytes);
    add(tenants, -bytes);
  };
  return {
    reserve,
    release,
    shareFor: (accounts) => ({
      reserve: (bytes) => reserve(accounts, bytes),
      release: (bytes) => release(accounts, bytes),
    }),
  };
}
