import { randomBytes } from "node:crypto";
import { err, ok } from "capability-protocol";
import { describe, expect, test } from "vitest";
import { ENGINE_NAMES } from "../../../../testkit/src/engines.ts";
import type { TestMembrane, TestStore } from "../../../../testkit/src/store.ts";
import { openTestStore } from "../../../../testkit/src/store.ts";
import type { OpenEngine } from "../../commands/directory-place.ts";
import type { Quotas } from "../../domain/creation.ts";
import { newUid } from "../../domain/uid.ts";
import type { Engine } from "../engine.ts";
import { openLmdbEngine } from "../lmdb/engine.ts";
import type { StoredCapability } from "../record.ts";

/** Drives the sweep to its end. @returns how many records each batch deleted. */
async function sweepAll({ store }: TestStore, limit: number): Promise<number[]> {
  const deleted: number[] = [];
  for (let batch = 0; batch < 10_000; batch += 1) {
    const report = await store.sweep(limit);
    deleted.push(report.deleted);
    if (!report.more) return deleted;
  }
  throw new Error("the sweep does not end");
}

async function rows(at: TestStore): Promise<Record<string, number>> {
  await using raw = await at.openRaw();
  const tables = ["nodes", "lookups", "names", "children", "sweep"] as const;
  const counts = await Promise.all(tables.map(async (table) => [table, (await raw.rows(table)).length]));
  return Object.fromEntries(counts);
}

/** Re-exports of re-exports, and some side by side: `3 * width` capabilities below `membrane`. */
async function fill(at: TestStore, membrane: TestMembrane, width: number): Promise<void> {
  let last = membrane.export;
  for (let i = 0; i < width; i += 1) {
    last = await at.reexport(last, membrane);
    await at.reexport(membrane.export, membrane);
    await at.capability({ kind: "query", resource: at.tenant.uid, createdBy: last.uid });
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function parseOwner(key: Buffer): TestMembrane["record"]["uid"] {
  return key.subarray(0, 16).toString("hex") as TestMembrane["record"]["uid"];
}

describe.each(ENGINE_NAMES)("over %s", (engine) => {
  const open = (limits: Partial<Quotas> = {}) => openTestStore(limits, engine);

  test("a sweep deletes all that descends from it, in batches of at most the limit, and stops and starts anywhere", async () => {
    await using at = await open();
    await at.membrane("other");
    const before = await rows(at);
    const membrane = await at.membrane("revoked");
    await fill(at, membrane, 20);
    expect(await at.store.revoke(membrane.record.uid, membrane.revoke.uid)).toEqual(ok(undefined));

    const deleted: number[] = [];
    for (let batch = 0, more = true; more && batch < 1_000; batch += 1) {
      const report = await at.store.sweep(7);
      deleted.push(report.deleted);
      ({ more } = report);
      if (batch % 4 === 0) await at.reopen();
    }
    expect(Math.max(...deleted)).toBe(7);
    // All but the membrane itself and its revoke capability.
    expect(sum(deleted)).toBe(1 + 3 * 20);
    expect(await rows(at)).toEqual({
      nodes: before["nodes"]! + 2,
      lookups: before["lookups"]! + 1,
      names: before["names"]!,
      children: before["children"]! + 3,
      sweep: 0,
    });
  });

  test("a lineage whose paths double at each step is read as fast as a chain", async () => {
    await using at = await open();
    const membrane = await at.membrane("m");
    let last = membrane.export;
    // Each re-exports the one before, and is created with it: 2 to the power of 60 paths.
    for (let depth = 0; depth < 60; depth += 1) last = await at.reexport(last, { ...membrane, export: last });
    expect((await at.store.find(last.lookupId))?.verdict).toMatchObject({ ok: true });
  });

  test("a sweep with nothing to do deletes nothing, however often", async () => {
    await using at = await open();
    const membrane = await at.membrane("revoked");
    await fill(at, membrane, 3);
    expect(await at.store.sweep(10)).toEqual({ deleted: 0, more: false });
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    await sweepAll(at, 10);
    const after = await rows(at);
    expect(await at.store.sweep(10)).toEqual({ deleted: 0, more: false });
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    expect(await at.store.sweep(10)).toEqual({ deleted: 0, more: false });
    expect(await rows(at)).toEqual(after);
  });

  test("the revoke capabilities of a revoked membrane outlive the sweep, delegated ones too, and work again", async () => {
    await using at = await open();
    const other = await at.membrane("other");
    const membrane = await at.membrane("revoked");
    const delegated = await at.reexport(membrane.revoke, other);
    const throughItself = await at.reexport(membrane.revoke, membrane);
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    await sweepAll(at, 1);
    expect(await at.isAlive(membrane.revoke)).toBe(true);
    expect(await at.isAlive(delegated)).toBe(true);
    expect(await at.has(throughItself)).toBe(false);
    expect(await at.store.revoke(membrane.record.uid, membrane.revoke.uid)).toEqual(ok(undefined));
    expect(await at.store.revoke(membrane.record.uid, delegated.uid)).toEqual(ok(undefined));
  });

  test("the revoke capabilities of a membrane go with its tenant, whether it was revoked before or not", async () => {
    await using at = await open();
    const deleteSelf = await at.capability({ kind: "deleteSelf", resource: at.tenant.uid });
    const [early, late] = [await at.membrane("early"), await at.membrane("late")];
    await at.store.revoke(early.record.uid, early.revoke.uid);
    await sweepAll(at, 2);
    await at.store.revoke(at.tenant.uid, deleteSelf.uid);
    await sweepAll(at, 2);
    for (const { revoke } of [early, late]) expect(await at.has(revoke)).toBe(false);
    // The tenant's own row alone.
    expect(await rows(at)).toMatchObject({ nodes: 1, lookups: 0, names: 0, children: 0, sweep: 0 });
  });

  test("a name is freed by the sweep only while it still names what is swept", async () => {
    await using at = await open();
    const delegation = await at.membrane("delegation");
    const create = await at.reexport(at.create, delegation);
    const old = await at.membrane("shared", create);
    const alone = await at.membrane("alone", create);
    await at.store.revoke(delegation.record.uid, delegation.revoke.uid);
    const successor = await at.membrane("shared");
    await sweepAll(at, 3);

    expect(await at.has(old.export)).toBe(false);
    expect(await at.has(alone.export)).toBe(false);
    const { membranes } = await at.store.membranes(at.tenant.uid, { limit: 10 });
    expect(membranes.map(({ uid }) => uid)).toEqual([successor.record.uid]);
    expect((await at.store.membranes(at.tenant.uid, { id: "shared", limit: 1 })).membranes).toHaveLength(1);
    expect((await rows(at))["names"]).toBe(2);
  });

  test("a membrane page has as many as its limit, counts no dead ones, and says whether more follows", async () => {
    await using at = await open();
    for (let i = 0; i < 9; i += 1) {
      const membrane = await at.membrane(`m${i}`);
      if (i % 3 === 1) await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    }
    const page = async (limit: number, lastId?: string) => {
      const asked = lastId === undefined ? { limit } : { limit, lastId };
      const { membranes, completed } = await at.store.membranes(at.tenant.uid, asked);
      return { names: membranes.map(({ name }) => name), completed };
    };
    expect(await page(4)).toEqual({ names: ["m0", "m2", "m3", "m5"], completed: false });
    expect(await page(2, "m5")).toEqual({ names: ["m6", "m8"], completed: true });
    expect(await page(1, "m5")).toEqual({ names: ["m6"], completed: false });
    expect(await page(9, "m8")).toEqual({ names: [], completed: true });
  });

  test("index rows that lead to no record are removed by the sweep, and hold up nothing", async () => {
    await using at = await open();
    const membrane = await at.membrane("revoked");
    const [gone, stays] = [await at.reexport(at.create, membrane), await at.reexport(at.create, membrane)];
    await using raw = await at.openRaw();
    await raw.write("nodes", Buffer.from(gone.uid, "hex"), undefined);
    await at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    await sweepAll(at, 2);
    expect(await at.has(stays)).toBe(false);
    const dead = new Set([membrane.record.uid, membrane.export.uid]);
    const left = (await raw.rows("children")).filter(({ key }) => {
      const child = key.subarray(17).toString("hex");
      return child === gone.uid && dead.has(parseOwner(key));
    });
    expect(left).toEqual([]);
  });

  test("of a revoke and a creation at once, either the creation is denied or what it made is dead", async () => {
    await using at = await open();
    for (let round = 0; round < 10; round += 1) {
      const membrane = await at.membrane(`revoked ${round}`);
      const before = at.reexport(at.create, membrane).catch(String);
      const revoked = at.store.revoke(membrane.record.uid, membrane.revoke.uid);
      const after = at.reexport(at.create, membrane).catch(String);
      expect(await revoked).toEqual(ok(undefined));
      for (const made of await Promise.all([before, after])) {
        if (typeof made === "string") expect(made).toContain("lineage_dead");
        else expect(await at.isAlive(made)).toBe(false);
      }
      await expect(at.reexport(at.create, membrane)).rejects.toThrow("lineage_dead");
    }
    await sweepAll(at, 8);
    expect(await rows(at)).toMatchObject({ names: 1, sweep: 0 });
  });

  test("a revoke by a capability that does not work (any more) is denied and revokes nothing", async () => {
    await using at = await open();
    const [membrane, other] = [await at.membrane("membrane"), await at.membrane("other")];
    const delegated = await at.reexport(membrane.revoke, other);
    await at.store.revoke(other.record.uid, other.revoke.uid);
    expect(await at.store.revoke(membrane.record.uid, delegated.uid)).toEqual(
      err({ reason: "lineage_dead" }),
    );
    expect(await at.isAlive(membrane.export)).toBe(true);
  });

  test("a tenant gets another public key, with capabilities or without, and a membrane gets none", async () => {
    await using at = await open();
    const publicKey = async () => (await at.store.tenant(at.tenant.uid))?.publicKey;
    const [first, second] = [randomBytes(32), randomBytes(32)];
    expect(await at.store.rekeyTenant(at.tenant.uid, first, [])).toEqual(ok(undefined));
    expect(await publicKey()).toEqual(first);
    const query: StoredCapability = {
      ...at.create,
      uid: newUid(randomBytes),
      kind: "query",
      lookupId: randomBytes(32),
    };
    expect(await at.store.rekeyTenant(at.tenant.uid, second, [query])).toEqual(ok(undefined));
    expect(await publicKey()).toEqual(second);
    expect(await at.isAlive(query)).toBe(true);
    const membrane = await at.membrane("m");
    expect(await at.store.rekeyTenant(membrane.record.uid, first, [])).toEqual(
      err({ reason: "lineage_dead" }),
    );
    expect(await publicKey()).toEqual(second);
  });
});

// One process has one queue. Writes of several connections overtake each other.
describe.each(["lmdb", "late"] as const)("over %s", (engine) => {
  test("what loses a race against the revoke of its lineage is not made", async () => {
    await using at = await openTestStore({}, engine);
    const membrane = await at.membrane("revoked");
    const revoked = at.store.revoke(membrane.record.uid, membrane.revoke.uid);
    const made = at.reexport(at.create, membrane);
    await expect(made).rejects.toThrow("lineage_dead");
    expect(await revoked).toEqual(ok(undefined));
  });
});

test("a creation, a new key and a revoke are written in the turn of their tenant, and of the capability that asks for it", async () => {
  const turns: unknown[] = [];
  const openEngine: OpenEngine = async (options) => {
    const engine = await openLmdbEngine(options);
    const write: Engine["write"] = (request, decide) => {
      turns.push(request.owner);
      return engine.write(request, decide);
    };
    return { ...engine, write };
  };
  await using at = await openTestStore({}, "lmdb", Date.now, openEngine);
  turns.splice(0);
  const { record, revoke } = await at.membrane("m");
  const other = { ...at.create, uid: at.newUid(), createdBy: at.create.uid };
  const capability = { ...other, lookupId: randomBytes(other.lookupId.length) };
  await at.store.rekeyTenant(at.tenant.uid, randomBytes(32), [capability]);
  await at.store.revoke(record.uid, revoke.uid);
  await at.store.revoke(at.tenant.uid, "operator");
  const tenant = at.tenant.uid;
  expect(turns).toEqual([
    { tenant, capability: at.create.uid },
    { tenant, capability: at.create.uid },
    { tenant, capability: revoke.uid },
    { tenant, capability: "operator" },
  ]);
});
