import { MaxHeap } from "../collections/max-heap.ts";
import { RemovableQueue } from "../collections/removable-queue.ts";
import type { Indexed } from "../collections/swap-remove-list.ts";
import type { UsageAccount, UsageAccounts } from "./usage-accounts.ts";

type WaitingAccount = Pick<UsageAccount, "waitingBytes">;

/** An item that waits. */
export interface WaitingEntry<T> {
  readonly item: T;
  /** Smaller for an item that has waited longer. */
  readonly order: number;
  readonly capabilities: readonly WaitingAccount[];
  readonly tenants: readonly WaitingAccount[];
}

/** What waits of one account; a tenant's has an index in the heap. */
interface AccountQueue<T> extends Indexed {
  readonly account: WaitingAccount;
  readonly entries: RemovableQueue<WaitingEntry<T>>;
  /** The account's bytes when the heap was last put in order. */
  bytes: number;
}

/** The account of items that belong to no tenant. */
const NO_TENANT: WaitingAccount = { waitingBytes: 0 };

/**
 * Finds the item that has waited longest, of an account or of the tenant that has most bytes. It takes logarithmic time: a tenant
 * whose thousands of responses wait evicts one of them with each further one.
 */
export class WaitingOrder<T> {
  readonly #queues = new Map<WaitingAccount, AccountQueue<T>>();
  readonly #tenants = new MaxHeap<AccountQueue<T>>(precedes);
  #count = 0;

  /** Call it after the bytes of the item were added to the accounts. */
  add(item: T, { capabilities, tenants }: UsageAccounts): WaitingEntry<T> {
    this.#count += 1;
    const entry: WaitingEntry<T> = {
      item,
      order: this.#count,
      capabilities: capabilities.slice(),
      tenants: tenants.length === 0 ? [NO_TENANT] : tenants.slice(),
    };
    for (const account of entry.capabilities) this.#queueOf(account).entries.add(entry);
    for (const account of entry.tenants) {
      const queue = this.#queueOf(account);
      queue.entries.add(entry);
      this.#rank(queue);
    }
    return entry;
  }

  /** Call it after the bytes of the item were released. */
  delete(entry: WaitingEntry<T>): void {
    for (const account of entry.capabilities) this.#remove(entry, account);
    for (const account of entry.tenants) {
      const queue = this.#remove(entry, account);
      if (queue !== undefined) this.#rank(queue);
    }
  }

  longestOf(account: WaitingAccount): T | undefined {
    return this.#queues.get(account)?.entries.first?.item;
  }

  longestOfLargestTenant(): T | undefined {
    return this.#tenants.first?.entries.first?.item;
  }

  #queueOf(account: WaitingAccount): AccountQueue<T> {
    const known = this.#queues.get(account);
    if (known !== undefined) return known;
    const queue = { account, entries: new RemovableQueue<WaitingEntry<T>>(), bytes: 0, index: -1 };
    this.#queues.set(account, queue);
    return queue;
  }

  #remove(entry: WaitingEntry<T>, account: WaitingAccount): AccountQueue<T> | undefined {
    const queue = this.#queues.get(account);
    queue?.entries.delete(entry);
    if (queue?.entries.size === 0) this.#queues.delete(account);
    return queue;
  }

  /** The bytes are copied, since those of several tenants change at once and the heap moves one after the other. */
  #rank(queue: AccountQueue<T>): void {
    queue.bytes = queue.account.waitingBytes;
    if (queue.entries.size === 0) this.#tenants.delete(queue);
    else if (queue.index === -1) this.#tenants.add(queue);
    else this.#tenants.move(queue);
  }
}

function precedes<T>(one: AccountQueue<T>, other: AccountQueue<T>): boolean {
  if (one.bytes !== other.bytes) return one.bytes > other.bytes;
  return firstOrder(one) < firstOrder(other);
}

function firstOrder<T>({ entries }: AccountQueue<T>): number {
  return entries.first?.order ?? Infinity;
}
