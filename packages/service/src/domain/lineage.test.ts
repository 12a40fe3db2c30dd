import { err, ok } from "capability-protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Capability } from "./capability.ts";
import type { LineageNode } from "./lineage.ts";
import { evaluateLineage } from "./lineage.ts";
import type { Lineage } from "./linked-lineage.ts";
import type { Membrane } from "./membrane.ts";
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
const revoking: Capability = { type: "capability", uid: uid(5), kind: "revoke", resource: membrane.uid };
/** The membrane of the delegation, so that a revoke of the first membrane is ignored only through the parent. */
const other: Membrane = { ...membrane, uid: uid(6), name: "other" };
const delegatedRevoke: Capability = {
  type: "capability",
  uid: uid(7),
  kind: "revoke",
  resource: membrane.uid,
  parent: revoking.uid,
  membrane: other.uid,
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

/** A node that points to some of those before it. */
const NODE = fc.record({
  type: fc.constantFrom("capability", "revoke", "membrane", "tenant" as const),
  revoked: fc.integer({ min: 0, max: 4 }).map((number) => number === 0),
  expiresAt: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  to: fc.array(fc.nat(10), { minLength: 4, maxLength: 4 }),
  isKept: fc.boolean(),
});

function nodeOf(
  { type, revoked: isRevoked, expiresAt, to }: typeof NODE extends fc.Arbitrary<infer T> ? T : never,
  index: number,
): LineageNode {
  const [a = uid(99), b, c, d] = to.map((number) => (number < index ? uid(100 + number) : undefined));
  const own = { uid: uid(100 + index), name: "n", revoked: isRevoked };
  if (index === 0 || type === "tenant")
    return { ...own, type: "tenant", ...(b !== undefined && { createdBy: b }) };
  if (type === "membrane") return { ...own, type, tenant: a, createdBy: b ?? uid(100) };
  return {
    uid: own.uid,
    type: "capability",
    kind: type === "revoke" ? "revoke" : "export",
    resource: a,
    ...(b !== undefined && { parent: b }),
    ...(c !== undefined && { membrane: c }),
    ...(d !== undefined && { createdBy: d }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

const revoked = <T extends Membrane | Tenant>(node: T): T => ({ ...node, revoked: true });

test("the verdict of a node that is alive has the uids of all it depends on, its own included, and which are tenants", () => {
  const verdict = evaluateLineage(exporting, reader(...ALL).find, NOW);
  if (!verdict.ok) throw new TypeError("it is dead");
  const { lineage, ...others } = verdict.value;
  expect([...lineage].toSorted()).toEqual([tenant, create, membrane, exporting].map((node) => node.uid));
  expect(others).toEqual({
    usageOwners: { capabilities: [exporting.uid], tenants: [tenant.uid], exporter: tenant.uid },
  });
});

test("nothing is read above what is known, at any depth", () => {
  const parent = evaluateLineage(delegatedRevoke, reader(...ALL).find, NOW);
  if (!parent.ok) throw new TypeError("it is dead");
  const known = new Map<Uid, Lineage>([[delegatedRevoke.uid, parent.value.lineage]]);
  const child: Capability = { type: "capability", uid: uid(8), kind: "revoke", parent: delegatedRevoke.uid };
  const { find, reads } = reader(...ALL);
  const verdict = evaluateLineage(child, find, NOW, (of) => known.get(of));
  expect(reads()).toBe(0);
  expect(verdict.ok && new Set(verdict.value.lineage)).toEqual(new Set([child.uid, ...parent.value.lineage]));
});

test("a verdict is the same whatever is known of the lineage", () => {
  fc.assert(
    fc.property(fc.array(NODE, { minLength: 2, maxLength: 12 }), fc.nat(3), (drafts, now) => {
      const nodes = drafts.map(nodeOf);
      const { find } = reader(...nodes);
      const known = new Map<Uid, Lineage>();
      const keep = (lineage: Lineage): void => {
        known.set(lineage.uid, lineage);
        lineage.dependencies.forEach(keep);
      };
      // Each is known as of a time before, which knew of more or fewer.
      for (const [index, node] of nodes.entries()) {
        const verdict = evaluateLineage(node, find, now, (of) => known.get(of));
        expect(verdict, `node ${index}`).toEqual(evaluateLineage(node, find, now));
        const earlier = evaluateLineage(node, find, 0);
        if (earlier.ok && drafts[index]!.isKept) keep(earlier.value.lineage);
      }
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ["its resource", revoked(membrane)],
  ["the tenant of its resource", revoked(tenant)],
])("a capability is dead when %s is revoked, and the verdict names the revoked node", (_what, dead) => {
  expect(evaluateLineage(exporting, reader(...ALL, dead).find, NOW)).toEqual(
    err({ cause: "revoked", at: dead.uid }),
  );
});

test.each([
  ["resource", exporting],
  ["parent", { ...exporting, resource: tenant.uid, parent: uid(99) }],
  ["membrane", { ...exporting, resource: tenant.uid, membrane: uid(99) }],
  ["createdBy", { ...exporting, resource: tenant.uid, createdBy: uid(99) }],
] as const)("a capability is dead when its %s does not exist", (_name, node) => {
  expect(evaluateLineage(node, reader(tenant).find, NOW)).toMatchObject(err({ cause: "missing" }));
});

test("a revoke capability works when its own resource is revoked, re-exported or not", () => {
  const { find } = reader(...ALL, revoked(membrane));
  expect(evaluateLineage(revoking, find, NOW)).toMatchObject({ ok: true });
  expect(evaluateLineage(delegatedRevoke, find, NOW)).toMatchObject({ ok: true });
});

test.each([
  ["the tenant of its resource", revoking, revoked(tenant)],
  ["the membrane it went through", delegatedRevoke, revoked(other)],
])("a revoke capability is dead when %s is revoked", (_what, node, dead) => {
  expect(evaluateLineage(node, reader(...ALL, dead).find, NOW)).toMatchObject(err({ at: dead.uid }));
});

test("a revoke capability of a membrane that does not exist is dead", () => {
  expect(evaluateLineage(revoking, reader(tenant, create).find, NOW)).toMatchObject(
    err({ cause: "missing" }),
  );
});

test.each([
  ["went through", { membrane: membrane.uid }],
  ["was made with a capability of", { createdBy: exporting.uid }],
])("a revoke capability that also %s its own resource is dead with it", (_how, strictly) => {
  const node: Capability = { ...delegatedRevoke, ...strictly };
  expect(evaluateLineage(node, reader(...ALL, revoked(membrane)).find, NOW)).toMatchObject(
    err({ cause: "revoked" }),
  );
  expect(evaluateLineage(node, reader(...ALL).find, NOW)).toMatchObject({ ok: true });
});

test.each([
  ["parent", { resource: membrane.uid, parent: revoking.uid }],
  ["createdBy", { resource: membrane.uid, createdBy: revoking.uid }],
  ["membrane", { resource: revoking.uid, membrane: membrane.uid }],
])(
  "a step that ignores a revoke does not excuse one that does not, whichever is taken first (%s)",
  (_name, steps) => {
    const node: Capability = { type: "capability", uid: uid(9), kind: "export", ...steps };
    expect(evaluateLineage(node, reader(...ALL).find, NOW)).toMatchObject({ ok: true });
    expect(evaluateLineage(node, reader(...ALL, revoked(membrane)).find, NOW)).toMatchObject(
      err({ at: membrane.uid }),
    );
  },
);

test("a capability that was re-exported from a revoke capability ignores no revoke but that of its resource", () => {
  const child: Capability = {
    ...delegatedRevoke,
    uid: uid(8),
    parent: delegatedRevoke.uid,
    membrane: membrane.uid,
  };
  expect(evaluateLineage(child, reader(...ALL, child, revoked(membrane)).find, NOW)).toMatchObject({
    ok: false,
  });
  const kept = { ...child, membrane: other.uid };
  expect(evaluateLineage(kept, reader(...ALL, kept, revoked(membrane)).find, NOW)).toMatchObject({
    ok: true,
  });
});

test("each node of a lineage in which the paths double at each step is read once", () => {
  const chain: Capability[] = [exporting];
  for (let step = 0; step < 200; step += 1) {
    const last = chain.at(-1)!.uid;
    const again = { uid: uid(20 + step), parent: last, createdBy: last, membrane: membrane.uid };
    chain.push({ ...exporting, ...again });
  }
  const { find, reads } = reader(...ALL, ...chain);
  const verdict = evaluateLineage(chain.at(-1)!, find, NOW);
  expect(verdict.ok && verdict.value.lineage.size).toBe(chain.length + 3);
  expect(reads()).toBeLessThan(2 * (chain.length + 3));
});

test("a capability is dead from the moment it expires, and all that depends on it in any way", () => {
  const expiring = { ...create, expiresAt: NOW + 1 };
  const nodes = [...ALL, expiring];
  for (const node of [expiring, membrane, exporting, revoking, delegatedRevoke]) {
    expect(evaluateLineage(node, reader(...nodes).find, NOW)).toMatchObject({ ok: true });
    expect(evaluateLineage(node, reader(...nodes).find, NOW + 1)).toEqual(
      err({ cause: "expired", at: create.uid }),
    );
  }
});

test("the verdict has the earliest expiry of the whole lineage, and none where nothing expires", () => {
  const expiring = [
    { ...create, expiresAt: NOW + 30 },
    { ...revoking, expiresAt: NOW + 20 },
  ];
  const child = { ...delegatedRevoke, expiresAt: NOW + 40 };
  const nodes = [...ALL, ...expiring, child];
  expect(evaluateLineage(child, reader(...nodes).find, NOW)).toMatchObject(ok({ expiresAt: NOW + 20 }));
  expect(evaluateLineage(membrane, reader(...nodes).find, NOW)).toMatchObject(ok({ expiresAt: NOW + 30 }));
  const unlimited = evaluateLineage(delegatedRevoke, reader(...ALL).find, NOW);
  expect(unlimited.ok && "expiresAt" in unlimited.value).toBe(false);
});
