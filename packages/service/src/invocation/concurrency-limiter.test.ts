import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import type { UsageAccounts } from "./usage-accounts.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import type { ConcurrencyLimits } from "./concurrency-limiter.ts";
import { createConcurrencyLimiter } from "./concurrency-limiter.ts";

const CAPABILITY_FULL = {
  reason: "capability_concurrency_exceeded",
  limitName: "maxConcurrentInvocationsPerCapability",
};
const TENANT_FULL = {
  reason: "tenant_concurrency_exceeded",
  limitName: "maxConcurrentInvocationsPerTenant",
};
const SERVICE_FULL = { reason: "service_overloaded", limitName: "maxConcurrentInvocations" };

function open(limits: ConcurrencyLimits) {
  const registry = createAccountRegistry();
  /** @param capabilities the capability itself, and what it re-exports. */
  const by = (capabilities: string, ...tenants: readonly string[]): UsageAccounts =>
    registry.accountsOf({ capabilities: [...capabilities] as Uid[], tenants: tenants as Uid[] });
  return { ...createConcurrencyLimiter(limits), by };
}

test("a full capability is refused while others of its tenant go on, and one that left makes a place", () => {
  const { acquire, release, by } = open({ perCapability: 2, perTenant: 9, total: 9 });
  expect(acquire(by("c", "t"))).toBeUndefined();
  expect(acquire(by("c", "t"))).toBeUndefined();
  expect(acquire(by("c", "t"))).toEqual(CAPABILITY_FULL);
  expect(acquire(by("d", "t"))).toBeUndefined();
  release(by("c", "t"));
  expect(acquire(by("c", "t"))).toBeUndefined();
});

test("a re-export adds no places, at any depth; the capability that it re-exports is not affected", () => {
  const { acquire, by } = open({ perCapability: 2, perTenant: 9, total: 9 });
  expect(acquire(by("cba", "t"))).toBeUndefined();
  expect(acquire(by("dba", "t"))).toBeUndefined();
  expect(acquire(by("eba", "t"))).toEqual(CAPABILITY_FULL);
  expect(acquire(by("fa", "t"))).toEqual(CAPABILITY_FULL);
  expect(acquire(by("g", "t"))).toBeUndefined();
});

test("a full tenant is refused by whatever capability runs through it, while other tenants go on", () => {
  const { acquire, by } = open({ perCapability: 9, perTenant: 2, total: 9 });
  expect(acquire(by("a", "t"))).toBeUndefined();
  expect(acquire(by("b", "u", "t"))).toBeUndefined();
  expect(acquire(by("c", "t"))).toEqual(TENANT_FULL);
  expect(acquire(by("d", "u", "t"))).toEqual(TENANT_FULL);
  expect(acquire(by("e", "u"))).toBeUndefined();
});

test("what was refused takes no place, in any of the counts", () => {
  const { acquire, by } = open({ perCapability: 1, perTenant: 2, total: 3 });
  expect(acquire(by("a", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1) expect(acquire(by("a", "t"))).toEqual(CAPABILITY_FULL);
  expect(acquire(by("b", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1) expect(acquire(by("c", "t", "u"))).toEqual(TENANT_FULL);
  expect(acquire(by("d", "u"))).toBeUndefined();
  expect(acquire(by("e", "v"))).toEqual(SERVICE_FULL);
});

test("what leaves gives its place back in each count: the capabilities', the tenants' and the one of all", () => {
  const limits = { perCapability: 9, perTenant: 9, total: 9 };
  for (const [limit, denial] of [
    ["perCapability", CAPABILITY_FULL],
    ["perTenant", TENANT_FULL],
    ["total", SERVICE_FULL],
  ] as const) {
    const { acquire, release, by } = open({ ...limits, [limit]: 1 });
    for (let round = 0; round < 3; round += 1) {
      expect(acquire(by("ba", "t", "u"))).toBeUndefined();
      expect(acquire(by("a", "u"))).toEqual(denial);
      release(by("ba", "t", "u"));
      expect(acquire(by("a", "u"))).toBeUndefined();
      release(by("a", "u"));
    }
  }
});

test("accounts that were dropped while idle are joined with those that replaced them", () => {
  const { by, acquire } = open({ perCapability: 1, perTenant: 9_999, total: 9_999 });
  const registry = createAccountRegistry();
  const uids = (uid: string) => ({ capabilities: [uid as Uid], tenants: [] });
  const kept = registry.accountsOf(uids("c"));
  for (let i = 0; i < 5_000; i += 1) registry.accountsOf(uids(`other ${i}`));
  const later = registry.accountsOf(uids("c"));
  expect(later.capabilities[0]).not.toBe(kept.capabilities[0]);
  registry.refresh(kept);
  expect(later.capabilities[0]).toBe(kept.capabilities[0]);
  expect(acquire(kept)).toBeUndefined();
  expect(acquire(later)).toEqual(CAPABILITY_FULL);
  expect(acquire(by("c"))).toBeUndefined();
});
