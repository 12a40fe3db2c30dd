import type { UsageOwners } from "../domain/usage-owners.ts";
import { LazyMap } from "../collections/lazy-map.ts";
import type { Uid } from "../domain/uid.ts";

/** What one capability, or one tenant, uses of the shared resources. */
export interface UsageAccount {
  readonly uid: Uid;
  /** Invocations in flight. */
  invocations: number;
  /** Bytes of bodies held for a signature. */
  bufferedBytes: number;
  /** Bytes of bodies of requests to the service itself. */
  managementBytes: number;
  /** Bytes of responses that wait for their clients. */
  waitingBytes: number;
  /** Bytes of large resolutions that requests in flight use. */
  resolutionBytes: number;
  /** It was idle and was dropped; another account may have replaced it. */
  isEvicted: boolean;
}

/** The budgets of bytes that an account counts. */
export type BudgetName = "bufferedBytes" | "managementBytes" | "waitingBytes" | "resolutionBytes";

/** The accounts that the use of one capability counts against. Kept with its resolution, so that a request need not look them up. */
export interface UsageAccounts {
  /** The accounts of the capability itself and of every capability that it re-exports. */
  readonly capabilities: UsageAccount[];
  readonly tenants: UsageAccount[];
}

/** Keeps an account for each capability and each tenant in use. */
export interface AccountRegistry {
  accountsOf(owners: Pick<UsageOwners, "capabilities" | "tenants">): UsageAccounts;
  /** Replaces accounts that were dropped while idle. Call it before anything is added to them. */
  refresh(accounts: UsageAccounts): void;
}

export function createAccountRegistry(): AccountRegistry {
  const capabilities = createAccountMap();
  const tenants = createAccountMap();
  return {
    accountsOf: (owners) => ({
      capabilities: owners.capabilities.map((uid) => capabilities.get(uid)),
      tenants: owners.tenants.map((uid) => tenants.get(uid)),
    }),
    refresh(accounts) {
      replaceEvicted(accounts.capabilities, capabilities);
      replaceEvicted(accounts.tenants, tenants);
    },
  };
}

function replaceEvicted(accounts: UsageAccount[], current: LazyMap<Uid, UsageAccount>): void {
  // To make one may evict idle ones, those before it among them: once, since the map then has room for more than a chain has.
  if (replaceOnce(accounts, current)) replaceOnce(accounts, current);
}

/** @returns whether one was evicted. */
function replaceOnce(accounts: UsageAccount[], current: LazyMap<Uid, UsageAccount>): boolean {
  let isReplaced = false;
  for (let i = 0; i < accounts.length; i += 1) {
    const account = accounts[i];
    if (account?.isEvicted !== true) continue;
    accounts[i] = current.get(account.uid);
    isReplaced = true;
  }
  return isReplaced;
}

function createAccountMap(): LazyMap<Uid, UsageAccount> {
  return new LazyMap({
    create: (uid): UsageAccount => ({
      uid,
      invocations: 0,
      bufferedBytes: 0,
      managementBytes: 0,
      waitingBytes: 0,
      resolutionBytes: 0,
      isEvicted: false,
    }),
    isIdle: ({ invocations, bufferedBytes, managementBytes, waitingBytes, resolutionBytes }) =>
      invocations + bufferedBytes + managementBytes + waitingBytes + resolutionBytes === 0,
    onEvict: (_uid, account) => {
      account.isEvicted = true;
    },
  });
}
