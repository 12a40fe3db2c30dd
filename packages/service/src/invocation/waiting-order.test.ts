import fc from "fast-check";
import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import type { UsageAccount, UsageAccounts } from "./usage-accounts.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import type { WaitingEntry } from "./waiting-order.ts";
import { WaitingOrder } from "./waiting-order.ts";

interface Item {
  readonly accounts: UsageAccounts;
  readonly bytes: number;
}

test("what is found is what a search through all items finds, whatever is added and deleted", () => {
  const uids = fc.subarray([..."abc"] as Uid[]);
  const step = fc.record({
    capabilities: uids,
    tenants: uids,
    bytes: fc.integer({ min: 1, max: 3 }),
    /** Deleted before the item is added. */
    places: fc.array(fc.nat(50), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const registry = createAccountRegistry();
      const order = new WaitingOrder<Item>();
      const waiting: WaitingEntry<Item>[] = [];
      for (const { bytes, places, ...owners } of steps) {
        for (const place of places) {
          const [entry] = waiting.splice(place % Math.max(1, waiting.length), 1);
          if (entry === undefined) continue;
          addBytes(entry.item.accounts, -entry.item.bytes);
          order.delete(entry);
        }
        const item = { accounts: registry.accountsOf(owners), bytes };
        addBytes(item.accounts, bytes);
        waiting.push(order.add(item, item.accounts));

        const items = waiting.map((entry) => entry.item);
        expect(order.longestOfLargestTenant()).toBe(longestOfLargestTenant(items));
        for (const account of Object.values(item.accounts).flat())
          expect(order.longestOf(account)).toBe(items.find(({ accounts }) => has(accounts, account)));
      }
    }),
  );
});

function addBytes({ capabilities, tenants }: UsageAccounts, bytes: number): void {
  for (const account of [...capabilities, ...tenants]) account.waitingBytes += bytes;
}

function has({ capabilities, tenants }: UsageAccounts, account: UsageAccount): boolean {
  return capabilities.includes(account) || tenants.includes(account);
}

function longestOfLargestTenant(items: readonly Item[]): Item | undefined {
  const bytesOf = ({ accounts }: Item): number =>
    Math.max(0, ...accounts.tenants.map(({ waitingBytes }) => waitingBytes));
  const most = Math.max(...items.map(bytesOf));
  return items.find((item) => bytesOf(item) === most);
}
