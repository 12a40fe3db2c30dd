import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import { createOccupancy } from "./occupancy.ts";

const uid = (text: string): Uid => text as Uid;
const by = (capability: string, ...tenants: readonly string[]) => ({
  capability: { uid: uid(capability) },
  tenants: tenants.map(uid),
});

test("a full capability is refused while others of its tenant go on, and one that left makes a place", () => {
  const occupancy = createOccupancy({ perCapability: 2, perTenant: 9, inAll: 9 });
  expect(occupancy.enter(by("c", "t"))).toBeUndefined();
  expect(occupancy.enter(by("c", "t"))).toBeUndefined();
  expect(occupancy.enter(by("c", "t"))).toEqual({ reason: "capability_busy" });
  expect(occupancy.enter(by("d", "t"))).toBeUndefined();
  occupancy.leave(by("c", "t"));
  expect(occupancy.enter(by("c", "t"))).toBeUndefined();
});

test("a full tenant is refused by whatever capability runs through it, while other tenants go on", () => {
  const occupancy = createOccupancy({ perCapability: 9, perTenant: 2, inAll: 9 });
  expect(occupancy.enter(by("a", "t"))).toBeUndefined();
  expect(occupancy.enter(by("b", "u", "t"))).toBeUndefined();
  expect(occupancy.enter(by("c", "t"))).toEqual({ reason: "tenant_busy" });
  expect(occupancy.enter(by("d", "u", "t"))).toEqual({ reason: "tenant_busy" });
  expect(occupancy.enter(by("e", "u"))).toBeUndefined();
});

test("what was refused takes no place, in any of the counts", () => {
  const occupancy = createOccupancy({ perCapability: 1, perTenant: 2, inAll: 3 });
  expect(occupancy.enter(by("a", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1) expect(occupancy.enter(by("a", "t"))).toEqual({ reason: "capability_busy" });
  expect(occupancy.enter(by("b", "t"))).toBeUndefined();
  for (let i = 0; i < 9; i += 1)
    expect(occupancy.enter(by("c", "t", "u"))).toEqual({ reason: "tenant_busy" });
  expect(occupancy.enter(by("d", "u"))).toBeUndefined();
  expect(occupancy.enter(by("e", "v"))).toEqual({ reason: "service_busy" });
});
