import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import type { Capability } from "./capability.ts";
import type { LineageNode } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import { storageOwners } from "./storage-owners.ts";
import type { StorageSnapshot } from "./storage-quota.ts";
import { checkStorage } from "./storage-quota.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import { newUid } from "./uid.ts";

const uid = (number: number): Uid => newUid((size) => Buffer.alloc(size, number));

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
const target: Target = { type: "target", uid: uid(5), membrane: membrane.uid, createdBy: exporting.uid };
const exported: Capability = {
  type: "capability",
  uid: uid(6),
  kind: "invoke",
  resource: target.uid,
  membrane: membrane.uid,
  createdBy: exporting.uid,
};
const foreign: Tenant = { ...tenant, uid: uid(7), name: "foreign" };
const lent: Capability = { ...exported, uid: uid(8), kind: "create", resource: foreign.uid };
const provision: Capability = { type: "capability", uid: uid(9), kind: "provision" };

const NODES: readonly LineageNode[] = [tenant, create, membrane, exporting, target, exported, foreign, lent];
const find = (asked: Uid): LineageNode | undefined => NODES.find((node) => node.uid === asked);

const BOTH = { membrane: membrane.uid, tenant: tenant.uid };

test.each<[string, LineageNode, object]>([
  ["a tenant", tenant, {}],
  ["the operator's capability", provision, {}],
  ["a tenant's own capability", create, { tenant: tenant.uid }],
  ["a membrane", membrane, { tenant: tenant.uid }],
  ["a membrane's own capability", exporting, BOTH],
  ["a target", target, BOTH],
  ["an exported capability", exported, BOTH],
  ["another tenant's capability, re-exported through a membrane", lent, BOTH],
])("the disk space of %s counts against its owners", (_name, node, owners) => {
  expect(storageOwners(node, find)).toEqual(owners);
});

const QUOTAS = { storedBytesPerMembrane: 1_000, storedBytesPerTenant: 1_500 };

function snapshot(size: number, stored: Readonly<Record<string, number>>): StorageSnapshot {
  return { find, sizeOf: () => size, storedBytes: (owner) => stored[owner] ?? 0 };
}

test("a membrane takes disk space up to its share, and not a byte more, counting all that is made at once", () => {
  const made = [target, exported];
  expect(checkStorage(made, snapshot(100, { [membrane.uid]: 800 }), QUOTAS)).toEqual(ok(undefined));
  expect(checkStorage(made, snapshot(101, { [membrane.uid]: 799 }), QUOTAS)).toEqual(
    err({ reason: "storage_exceeded", type: "membrane", limit: 1_000 }),
  );
});

test("the membranes of a tenant together take disk space up to the tenant's share, however little each takes", () => {
  const stored = { [membrane.uid]: 0, [tenant.uid]: 1_400 };
  expect(checkStorage([exported], snapshot(100, stored), QUOTAS)).toEqual(ok(undefined));
  const denial = err({ reason: "storage_exceeded", type: "tenant", limit: 1_500 });
  expect(checkStorage([exported], snapshot(101, stored), QUOTAS)).toEqual(denial);
  expect(checkStorage([{ ...membrane, uid: uid(10) }], snapshot(101, stored), QUOTAS)).toEqual(denial);
});

test("the disk space that one tenant takes does not reduce the share of another", () => {
  const stored = { [membrane.uid]: 1_000, [tenant.uid]: 1_500 };
  const own: Capability = { ...create, uid: uid(11), resource: foreign.uid };
  expect(checkStorage([own], snapshot(1_500, stored), QUOTAS)).toEqual(ok(undefined));
});
