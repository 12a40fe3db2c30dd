import type { Payers } from "../domain/payers.ts";
import { Standing } from "../domain/standing.ts";
import type { Uid } from "../domain/uid.ts";

/** What one capability, or one tenant, uses of the shared resources. */
export interface Account {
  readonly uid: Uid;
  /** Invocations in flight. */
  invocations: number;
  /** Bytes of bodies held for a signature. */
  heldBytes: number;
  /** Bytes of bodies of requests to the service itself. */
  managementBytes: number;
  /** Bytes of responses that wait for their clients. */
  waitingBytes: number;
  /** It was idle and was dropped; another account may have replaced it. */
  isDropped: boolean;
}

/** The budgets of bytes that an account counts. */
export type ByteBudget = "heldBytes" | "managementBytes" | "waitingBytes";

/** The accounts that one capability is charged to. Kept with its verdict, so that a request need not look them up. */
export interface Accounts {
  /** Of the capability itself and of every capability that it re-exports. */
  readonly capabilities: Account[];
  readonly tenants: Account[];
}

/** Keeps an account for each capability and each tenant in use. */
export interface Ledger {
  accountsOf(payers: Pick<Payers, "capabilities" | "tenants">): Accounts;
  /** Replaces accounts that were dropped while idle. Call it before anything is charged. */
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
    make: (uid): Account => ({
      uid,
      invocations: 0,
      heldBytes: 0,
      managementBytes: 0,
      waitingBytes: 0,
      isDropped: false,
    }),
    isIdle: ({ invocations, heldBytes, managementBytes, waitingBytes }) =>
      invocations + heldBytes + managementBytes + waitingBytes === 0,
    dropped: (_uid, account) => {
      account.isDropped = true;
    },
  });
}
