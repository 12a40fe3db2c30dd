import type { Payers } from "../domain/payers.ts";
import { Standing } from "../domain/standing.ts";
import type { Uid } from "../domain/uid.ts";

/** What one capability, or one tenant, has of what all share. */
export interface Account {
  readonly uid: Uid;
  /** Invocations under way. */
  invocations: number;
  /** Bytes of bodies that are held for a signature. */
  heldBytes: number;
  /** Bytes of bodies of requests to the service itself. */
  managementBytes: number;
  /** Another account has taken its place since; it was idle. */
  isDropped: boolean;
}

/** What can be held of a budget in bytes. */
export type ByteBudget = "heldBytes" | "managementBytes";

/** The accounts that one capability is charged to. Kept with its verdict, so that a request looks up none of them. */
export interface Accounts {
  /** Of the capability itself and of all that it re-exports. */
  readonly capabilities: Account[];
  readonly tenants: Account[];
}

/** Has an account for each capability and each tenant. */
export interface Ledger {
  accountsOf(payers: Pick<Payers, "capabilities" | "tenants">): Accounts;
  /** Accounts that were dropped while nothing was charged to them are opened again. Call it before anything is charged. */
  refresh(accounts: Accounts): void;
}

export function createLedger(): Ledger {
  const capabilities = openAccounts();
  const tenants = openAccounts();
  return {
    accountsOf: (payers) => ({
      capabilities: payers.capabilities.map((uid) => capabilities.at(uid)),
      tenants: payers.tenants.map((uid) => tenants.at(uid)),
    }),
    refresh(accounts) {
      reopen(accounts.capabilities, capabilities);
      reopen(accounts.tenants, tenants);
    },
  };
}

function reopen(accounts: Account[], open: Standing<Uid, Account>): void {
  for (let i = 0; i < accounts.length; i += 1) {
    const account = accounts[i];
    if (account?.isDropped === true) accounts[i] = open.at(account.uid);
  }
}

function openAccounts(): Standing<Uid, Account> {
  return new Standing({
    make: (uid): Account => ({ uid, invocations: 0, heldBytes: 0, managementBytes: 0, isDropped: false }),
    isIdle: ({ invocations, heldBytes, managementBytes }) => invocations + heldBytes + managementBytes === 0,
    dropped: (_uid, account) => {
      account.isDropped = true;
    },
  });
}
