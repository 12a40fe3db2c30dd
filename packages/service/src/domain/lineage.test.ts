import { expect, test } from "vitest";
import type { Capability } from "./capability.ts";
import type { LineageNode } from "./lineage.ts";
import { judge } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import { newUid } from "./uid.ts";

const uid = (number: number): Uid => newUid((size) => Buffer.alloc(size, number));

const tenant: Tenant = { type: "tenant", uid: uid(1), name: "t", revoked: false };
const create: Capability = { type: "capability", uid: uid(2), kind: "create", subject: tenant.uid };
const membrane: Membrane = {
  type: "membrane",
  uid: uid(3),
  tenant: tenant.uid,
  name: "m",
  revoked: false,
  madeWith: create.uid,
};
const exporting: Capability = { type: "capability", uid: uid(4), kind: "export", subject: membrane.uid };
const revoking: Capability = { type: "capability", uid: uid(5), kind: "revoke", subject: membrane.uid };
/** Through another membrane, so that only its parent forgives. */
const other: Membrane = { ...membrane, uid: uid(6), name: "other" };
const delegatedRevoke: Capability = {
  type: "capability",
  uid: uid(7),
  kind: "revoke",
  subject: membrane.uid,
  parent: revoking.uid,
  through: other.uid,
};
const ALL = [tenant, create, membrane, exporting, revoking, other, delegatedRevoke];

/** Reads from `nodes`, later ones in place of earlier ones, and counts. */
function reader(...nodes: readonly LineageNode[]): {
  find: (uid: Uid) => LineageNode | undefined;
  reads: () => number;
} {
  const byUid = new Map(nodes.map((node) => [node.uid, node]));
  let reads = 0;
  return {
    find: (uid) => {
      reads += 1;
      return byUid.get(uid);
    },
    reads: () => reads,
  };
}

const revoked = <T extends Membrane | Tenant>(node: T): T => ({ ...node, revoked: true });

test("what is alive tells the uids of all it depends on, its own included, and which of them are tenants", () => {
  expect(judge(exporting, reader(...ALL).find)).toEqual({
    alive: true,
    lineage: new Set([exporting, membrane, tenant, create].map((node) => node.uid)),
    payers: { capabilities: [exporting.uid], tenants: [tenant.uid], maker: tenant.uid },
  });
});

test.each([
  ["its subject", revoked(membrane)],
  ["the tenant behind its subject", revoked(tenant)],
])("a capability is dead when %s is revoked, and the verdict says where", (_what, dead) => {
  expect(judge(exporting, reader(...ALL, dead).find)).toEqual({
    alive: false,
    cause: "revoked",
    at: dead.uid,
  });
});

test.each([
  ["subject", exporting],
  ["parent", { ...exporting, subject: tenant.uid, parent: uid(99) }],
  ["through", { ...exporting, subject: tenant.uid, through: uid(99) }],
  ["madeWith", { ...exporting, subject: tenant.uid, madeWith: uid(99) }],
] as const)("a capability is dead when its %s does not exist", (_name, node) => {
  expect(judge(node, reader(tenant).find)).toMatchObject({ alive: false, cause: "missing" });
});

test("a revoke capability works when its own subject is revoked, re-exported or not", () => {
  const { find } = reader(...ALL, revoked(membrane));
  expect(judge(revoking, find)).toMatchObject({ alive: true });
  expect(judge(delegatedRevoke, find)).toMatchObject({ alive: true });
});

test.each([
  ["what is behind its subject", revoking, revoked(tenant)],
  ["the membrane it went through", delegatedRevoke, revoked(other)],
])("a revoke capability is dead when %s is revoked", (_what, node, dead) => {
  expect(judge(node, reader(...ALL, dead).find)).toMatchObject({ alive: false, at: dead.uid });
});

test("a revoke capability of a membrane that does not exist is dead", () => {
  expect(judge(revoking, reader(tenant, create).find)).toMatchObject({ alive: false, cause: "missing" });
});

test.each([
  ["through", { through: membrane.uid }],
  ["made with a capability of", { madeWith: exporting.uid }],
])("a revoke capability that also came %s its own subject is dead with it", (_how, strictly) => {
  const node: Capability = { ...delegatedRevoke, ...strictly };
  expect(judge(node, reader(...ALL, revoked(membrane)).find)).toMatchObject({
    alive: false,
    cause: "revoked",
  });
  expect(judge(node, reader(...ALL).find)).toMatchObject({ alive: true });
});

test.each([
  ["parent", { subject: membrane.uid, parent: revoking.uid }],
  ["madeWith", { subject: membrane.uid, madeWith: revoking.uid }],
  ["through", { subject: revoking.uid, through: membrane.uid }],
])(
  "a step that forgives does not excuse a step that does not, whichever is taken first (%s)",
  (_name, steps) => {
    const node: Capability = { type: "capability", uid: uid(9), kind: "export", ...steps };
    expect(judge(node, reader(...ALL).find)).toMatchObject({ alive: true });
    expect(judge(node, reader(...ALL, revoked(membrane)).find)).toMatchObject({
      alive: false,
      at: membrane.uid,
    });
  },
);

test("what is made with a revoke capability forgives nothing but that capability's subject", () => {
  const child: Capability = {
    ...delegatedRevoke,
    uid: uid(8),
    parent: delegatedRevoke.uid,
    through: membrane.uid,
  };
  expect(judge(child, reader(...ALL, child, revoked(membrane)).find)).toMatchObject({ alive: false });
  const kept = { ...child, through: other.uid };
  expect(judge(kept, reader(...ALL, kept, revoked(membrane)).find)).toMatchObject({ alive: true });
});

test("a lineage in which the paths double at each step is read once a node", () => {
  const chain: Capability[] = [exporting];
  for (let step = 0; step < 200; step += 1) {
    const last = chain.at(-1)!.uid;
    const again = { uid: uid(20 + step), parent: last, madeWith: last, through: membrane.uid };
    chain.push({ ...exporting, ...again });
  }
  const { find, reads } = reader(...ALL, ...chain);
  const verdict = judge(chain.at(-1)!, find);
  expect(verdict.alive && verdict.lineage.size).toBe(chain.length + 3);
  expect(reads()).toBeLessThan(2 * (chain.length + 3));
});
