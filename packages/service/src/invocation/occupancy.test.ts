import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import type { Accounts } from "./accounts.ts";
import { createLedger } from "./accounts.ts";
import type { OccupancyLimits } from "./occupancy.ts";
import { createOccupancy } from "./occupancy.ts";

function open(limits: OccupancyLimits) {
  const ledger = createLedger();
  /** @param capabilities the capability itself, and what it re-exports. */
  const by = (capabilities: string, ...tenants: readonly string[]): Accounts =>
    ledger.accountsOf({ capabilities: [...capabilities] as Uid[], tenants: tenants as Uid[] });
  return { ...createOccupancy(limits), by };
}

test("a full capability is refused while others of its tenant go on, and one that left makes a place", () => {
  const { enter, leave, by } = open({ perCapability: 2, perTenant: 9, inAll: 9 });
  expect(enter(by("c", "t"))).toBeUndefined();
  expect(enter(by("c", "t"))).toBeUndefined();
  expect(enter(by("c", "t"))).toEqual({ reason: "capability_busy" });
  expect(enter(by("d", "t"))).toBeUndefined();
  leave(by("c", "t"));
  expect(enter(by("c", "t"))).toBeUndefined();
});

test("a re-export adds no places, at any depth; the capability that it re-exports is not affected", () => {
  const { enter, by } = open({ perCapability: 2, perTenant: 9, inAll: 9 });
  expect(enter(by("cba", "t"))).toBeUndefined();
  expect(enter(by("dba", "t"))).toBeUndefined();
  expect(enter(by("eba", "t"))).toEqual({ reason: "capability_busy" });
  expect(enter(by("fa", "t"))).toEqual({ reason: "capability_busy" });
  expect(enter(by("g", "t"))).toBeUndefined();
});

test("a full tenant is refused by whatever capability runs through it, while other tenants go on", () => {
  const { enter, by } = open({ perCapability: 9, perTenant: 2, inAll: 9 });
  expect(enter(by("a", "t"))).toBeUndefined();
  expect(enter(by("b", "u", "t"))).toBeUndefined();
  expect(enter(by("c", "t"))).toEqual({ reason: "tenant_busy" });
  expect(enter(by("d", "u", "t"))).toEqual({ reason: "tenant_busy" });
  expect(enter(by("e", "u"))).toBeUndefined();
});

test("what was refused takes no place, in any of the counts", () => {
  const { enter, by } = open({ perCapability: 1, perTenant: 2, inAll: 3 });
  expect(enter(by("a", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1) expect(enter(by("a", "t"))).toEqual({ reason: "capability_busy" });
  expect(enter(by("b", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1) expect(enter(by("c", "t", "u"))).toEqual({ reason: "tenant_busy" });
  expect(enter(by("d", "u"))).toBeUndefined();
  expect(enter(by("e", "v"))).toEqual({ reason: "service_busy" });
});

test("what leaves gives its place back in each count: the capabilities', the tenants' and the one of all", () => {
  const limits = { perCapability: 9, perTenant: 9, inAll: 9 };
  for (const [limit, reason] of [
    ["perCapability", "capability_busy"],
    ["perTenant", "tenant_busy"],
    ["inAll", "service_busy"],
  ] as const) {
    const { enter, leave, by } = open({ ...limits, [limit]: 1 });
    for (let round = 0; round < 3; round += 1) {
      expect(enter(by("ba", "t", "u"))).toBeUndefined();
      expect(enter(by("a", "u"))).toEqual({ reason });
      leave(by("ba", "t", "u"));
      expect(enter(by("a", "u"))).toBeUndefined();
      leave(by("a", "u"));
    }
  }
});

test("accounts that were dropped while idle are joined with those that replaced them", () => {
  const { by, enter } = open({ perCapability: 1, perTenant: 9_999, inAll: 9_999 });
  const ledger = createLedger();
  const uids = (uid: string) => ({ capabilities: [uid as Uid], tenants: [] });
  const kept = ledger.accountsOf(uids("c"));
  for (let i = 0; i < 5_000; i += 1) ledger.accountsOf(uids(`other ${i}`));
  const later = ledger.accountsOf(uids("c"));
  expect(later.capabilities[0]).not.toBe(kept.capabilities[0]);
  ledger.refresh(kept);
  expect(later.capabilities[0]).toBe(kept.capabilities[0]);
  expect(enter(kept)).toBeUndefined();
  expect(enter(later)).toEqual({ reason: "capability_busy" });
  expect(enter(by("c"))).toBeUndefined();
});
