import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import { createAccountRegistry } from "./usage-accounts.ts";

/** At so many, idle accounts are dropped. */
const EVICTION = 1_024;

test("refreshed accounts are all the registry's own, even if making one of them drops those before it", () => {
  for (let others = EVICTION - 8; others <= EVICTION; others += 1) {
    const registry = createAccountRegistry();
    const chain = ["a", "b", "c"] as Uid[];
    const accounts = registry.accountsOf({ capabilities: chain, tenants: [] });
    const make = (name: string, count: number) => {
      for (let made = 0; made < count; made += 1)
        registry.accountsOf({ capabilities: [`${name}${made}` as Uid], tenants: [] });
    };
    make("first", EVICTION - chain.length);
    // Drops the chain and all the others.
    make("second", others);
    registry.refresh(accounts);
    const own = registry.accountsOf({ capabilities: chain, tenants: [] }).capabilities;
    expect(accounts.capabilities.map((account, index) => account === own[index])).toEqual([true, true, true]);
  }
});
