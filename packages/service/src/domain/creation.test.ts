import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import type { Capability } from "./capability.ts";
import type { LineageNode } from "./lineage.ts";
import type { Quotas, CreationSnapshot } from "./creation.ts";
import { checkCreation } from "./creation.ts";
import type { Membrane } from "./membrane.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import { newUid } from "./uid.ts";

const uid = (number: number): Uid => newUid((size) => Buffer.alloc(size, number));

const NOW = 1_000_000;

const tenant: Tenant = { type: "tenant", uid: uid(1), name: "t", revoked: false };
const create: Capability = { type: "capability", uid: uid(2), kind: "create", resource: tenant.uid };
const membrane: Membrane = {
  type: "membrane",
  uid: uid(3),
  tenant: tenant.uid,
  name: "m",
  revoked: false,
  createdBy: create.uid,
};
const exporting: Capability = { type: "capability", uid: uid(4), kind: "export", resource: membrane.uid };
const LIMIT = 4;
const LIMITS: Quotas = {
  maxLineageNodes: LIMIT,
  maxCapabilitiesPerMembrane: 3,
  maxMembranesPerTenant: 2,
  maxOwnCapabilitiesPerTenant: 3,
  maxTenants: 2,
  storedBytesPerMembrane: 1_000,
  storedBytesPerTenant: 2_000,
};

function snapshot(nodes: readonly LineageNode[], holder?: LineageNode, held = 0): CreationSnapshot {
  const byUid = new Map(nodes.map((node) => [node.uid, node]));
  return {
    find: (uid) => byUid.get(uid),
    findByName: () => holder,
    countOwned: () => held,
    sizeOf: () => 0,
    storedBytes: () => 0,
  };
}

test("records that point to each other are made together", () => {
  expect(checkCreation([exporting, membrane], snapshot([tenant, create]), LIMITS, NOW)).toEqual(
    ok(undefined),
  );
});

test("nothing is made when its lineage is dead in the same snapshot", () => {
  const dead = snapshot([{ ...tenant, revoked: true }, create]);
  expect(checkCreation([membrane, exporting], dead, LIMITS, NOW)).toEqual(err({ reason: "lineage_dead" }));
});

test("nothing is made if one of the nodes is denied", () => {
  const orphan: Capability = { ...exporting, uid: uid(9), parent: uid(99) };
  const denied = checkCreation([membrane, exporting, orphan], snapshot([tenant, create]), LIMITS, NOW);
  expect(denied).toEqual(err({ reason: "lineage_dead" }));
});

test("a lineage may have as many nodes as the limit, the new node included, and not one more", () => {
  const made = [membrane, exporting];
  expect(checkCreation(made, snapshot([tenant, create]), LIMITS, NOW)).toEqual(ok(undefined));
  expect(
    checkCreation(made, snapshot([tenant, create]), { ...LIMITS, maxLineageNodes: LIMIT - 1 }, NOW),
  ).toEqual(err({ reason: "lineage_too_large", limit: LIMIT - 1 }));
});

test("a name is taken while its holder is alive", () => {
  const holder = { ...membrane, uid: uid(8) };
  const denied = checkCreation([membrane], snapshot([tenant, create, holder], holder), LIMITS, NOW);
  expect(denied).toEqual(err({ reason: "name_taken", type: "membrane" }));
  const sameTenant = checkCreation([{ ...tenant, uid: uid(7) }], snapshot([tenant], tenant), LIMITS, NOW);
  expect(sameTenant).toEqual(err({ reason: "name_taken", type: "tenant" }));
});

test("a name is free when its holder is dead, whatever in its lineage was revoked", () => {
  const gone: Tenant = { ...tenant, uid: uid(7), revoked: true };
  for (const holder of [
    { ...membrane, uid: uid(8), revoked: true },
    { ...membrane, uid: uid(8), tenant: gone.uid },
    { ...membrane, uid: uid(8), createdBy: uid(99) },
  ]) {
    expect(checkCreation([membrane], snapshot([tenant, create, gone, holder], holder), LIMITS, NOW)).toEqual(
      ok(undefined),
    );
  }
});

const exported = (number: number): Capability => ({
  type: "capability",
  uid: uid(number),
  kind: "export",
  resource: membrane.uid,
  membrane: membrane.uid,
});

test.each([
  [0, [exported(20), exported(21), exported(22)], undefined],
  [1, [exported(20), exported(21), exported(22)], "membrane"],
  [3, [exported(20)], "membrane"],
])("a membrane that may hold three capabilities and has %i: making %j is denied: %s", (held, made, full) => {
  const denied = checkCreation(made, snapshot([tenant, create, membrane], undefined, held), LIMITS, NOW);
  expect(denied).toEqual(
    full === undefined ? ok(undefined) : err({ reason: "full", type: full, kind: "capabilities", limit: 3 }),
  );
});

test("a membrane counts against the quota of its tenant, not against its own", () => {
  const made = [membrane, exporting];
  expect(checkCreation(made, snapshot([tenant, create], undefined, 1), LIMITS, NOW)).toEqual(ok(undefined));
  const denied = checkCreation(made, snapshot([tenant, create], undefined, 2), LIMITS, NOW);
  expect(denied).toEqual(err({ reason: "full", type: "tenant", kind: "membranes", limit: 2 }));
});

test("a dead lineage is reported before a quota that is used up", () => {
  const dead = snapshot([tenant, create, { ...membrane, revoked: true }], undefined, 9);
  expect(checkCreation([exported(20)], dead, LIMITS, NOW)).toEqual(err({ reason: "lineage_dead" }));
});

test("a node that would count against no quota is a fault of the program, and is not made", () => {
  const target: Target = { type: "target", uid: uid(30), membrane: membrane.uid, createdBy: exporting.uid };
  const world = snapshot([tenant, create, membrane, exporting, target]);
  for (const alone of [exporting, target]) {
    expect(() => checkCreation([alone], world, { ...LIMITS, maxLineageNodes: 9 }, NOW)).toThrow(
      "counts against no quota",
    );
  }
  const own: Capability = { ...create, uid: uid(31) };
  expect(checkCreation([own], snapshot([tenant], undefined, 3), LIMITS, NOW)).toMatchObject(
    err({ kind: "ownCapabilities" }),
  );
});

test("nothing is made once something in its lineage has expired, and a name of what has expired is free", () => {
  const expiring = { ...create, expiresAt: NOW + 1 };
  const world = snapshot([tenant, expiring]);
  expect(checkCreation([membrane, exporting], world, LIMITS, NOW)).toEqual(ok(undefined));
  const late = checkCreation([membrane, exporting], world, LIMITS, NOW + 1);
  expect(late).toEqual(err({ reason: "lineage_dead" }));

  const successor = { ...membrane, uid: uid(40), createdBy: uid(41) };
  const other = { ...create, uid: uid(41) };
  const taken = snapshot([tenant, expiring, other, membrane], membrane);
  expect(checkCreation([successor], taken, LIMITS, NOW)).toMatchObject(err({ reason: "name_taken" }));
  expect(checkCreation([successor], taken, LIMITS, NOW + 1)).toEqual(ok(undefined));
});

test("a capability whose own time is over already may be made, though it never works", () => {
  const expired = { ...exported(20), expiresAt: NOW };
  const world = snapshot([tenant, create, membrane]);
  expect(checkCreation([expired], world, LIMITS, NOW)).toEqual(ok(undefined));
});
