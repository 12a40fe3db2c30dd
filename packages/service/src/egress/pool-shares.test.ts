import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantPool } from "./pool-shares.ts";
import { PoolShares } from "./pool-shares.ts";

const LIMITS = { maxUpstreamPools: 20, upstreamPoolBytesTotal: 2_000, maxUpstreamConnections: 30 };

function open(limits: Partial<typeof LIMITS> = {}) {
  const shares = new PoolShares({ ...LIMITS, ...limits });
  const closed: string[] = [];
  let clock = 0;
  /** @returns the pool, if there was room for it. */
  const add = (
    owner: string,
    { bytes = 10, isIdle = true, name = "", connections = 0 } = {},
  ): TenantPool | undefined => {
    if (!shares.makeRoom(owner, bytes)) return undefined;
    clock += 1;
    const pool: TenantPool = {
      owner,
      bytes,
      isIdle,
      connections,
      usedAt: clock,
      close() {
        closed.push(name || owner);
        shares.delete(pool);
      },
    };
    shares.add(pool);
    return pool;
  };
  return { shares, add, closed };
}

test("a tenant alone has half of all pools, and then closes its own, the longest unused first", () => {
  const { add, closed } = open();
  for (let i = 0; i < 10; i += 1) add("a", { name: `${i}` });
  expect(closed).toEqual([]);
  add("a");
  add("a");
  expect(closed).toEqual(["0", "1"]);
});

test("a tenant that makes pools without end closes none of another's, and leaves room for one that comes later", () => {
  const { add, closed } = open();
  for (let i = 0; i < 4; i += 1) add("b");
  for (let i = 0; i < 100; i += 1) expect(add("a")).toBeDefined();
  expect(closed).not.toContain("b");
  expect(add("c")).toBeDefined();
  expect(closed).not.toContain("c");
});

test("memory is shared as pools are: large TLS material makes fewer of them", () => {
  const { add, closed } = open();
  for (let i = 0; i < 9; i += 1) add("a", { bytes: 200 });
  expect(closed).toHaveLength(4);
  expect(add("b", { bytes: 200 })).toBeDefined();
});

test("a tenant's first pool only has to fit, however large; its second has to fit its share", () => {
  const { add } = open();
  expect(add("a", { bytes: 1_900, isIdle: false })).toBeDefined();
  expect(add("a", { bytes: 50 })).toBeUndefined();
  expect(add("b", { bytes: 101 })).toBeUndefined();
  expect(add("b", { bytes: 100 })).toBeDefined();
});

test("pools in use are not closed: a tenant whose share is in use gets no other pool, and other tenants do", () => {
  const { add, closed } = open();
  for (let i = 0; i < 10; i += 1) expect(add("a", { isIdle: false })).toBeDefined();
  expect(add("a")).toBeUndefined();
  expect(closed).toEqual([]);
  expect(add("b")).toBeDefined();
});

test("connections are shared in the same way, and released once", () => {
  const { shares } = open();
  const opened = [];
  for (let release; (release = shares.reserveConnection("a")) !== undefined;) opened.push(release);
  expect(opened).toHaveLength(15);
  expect(shares.reserveConnection("b")).toBeDefined();
  opened[0]!();
  opened[0]!();
  expect(shares.reserveConnection("a")).toBeDefined();
  expect(shares.reserveConnection("a")).toBeUndefined();
});

test("a tenant that has used up its share of connections gets another only in place of one in its idle pools", () => {
  const { shares, add, closed } = open();
  for (let i = 0; i < 4; i += 1) add("a", { name: "without a connection" });
  add("a", { name: "in use", isIdle: false, connections: 1 });
  add("a", { name: "first", connections: 1 });
  add("a", { name: "second", connections: 1 });
  for (let i = 0; i < 15; i += 1) expect(shares.reserveConnection("a")).toBeDefined();
  expect(closed).toEqual([]);
  expect(shares.reserveConnection("a")).toBeDefined();
  expect(shares.reserveConnection("a")).toBeDefined();
  expect(closed).toEqual(["first", "second"]);
  expect(shares.reserveConnection("a")).toBeUndefined();
  expect(closed).toEqual(["first", "second"]);
});

test("whatever is opened and closed, no limit is passed and what was closed makes room again", () => {
  const step = fc.record({ owner: fc.constantFrom("a", "b", "c"), bytes: fc.integer({ min: 1, max: 400 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const { add } = open();
      const all: TenantPool[] = [];
      for (const { owner, bytes } of steps) {
        const pool = add(owner, { bytes });
        if (pool !== undefined) all.push(pool);
      }
      for (const pool of all) pool.close();
      let count = 0;
      for (; count < 100 && add("z", { isIdle: false }) !== undefined; count += 1);
      expect(count).toBe(10);
    }),
  );
});
