import { randomBytes } from "node:crypto";
import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore, makeCounters } from "../../../../testkit/src/postgres-nodes.ts";
import { NO_OWNER } from "../write-owner.ts";

async function deadlocks({ query }: PostgresStore): Promise<number> {
  const [row] = await query("SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()");
  return Number(row?.["deadlocks"]);
}

test("of uses by two nodes exactly as many are counted as there may be, in whatever order they name their counters", async () => {
  await using store = await openPostgresStore();
  const nodes = [await store.openNode(), await store.openNode()] as const;
  const all = await makeCounters(store.at, [60, 60, 60]);
  // In a large table rows are found, and would be locked, in the order in which a statement names them.
  await store.query(
    "INSERT INTO membrane.count SELECT gen_random_uuid(), 2, '\\x00' FROM generate_series(1, 20000)",
  );
  await store.query("ANALYZE membrane.count");
  const before = await deadlocks(store);
  const results = await Promise.all(
    Array.from({ length: 240 }, (_, use) => {
      const order = use % 3 === 0 ? all : use % 3 === 1 ? all.toReversed() : [all[1]!, all[2]!, all[0]!];
      return nodes[use % 2 === 0 ? 0 : 1].store.countUse(order, NO_OWNER);
    }),
  );
  expect(results.filter((result) => result.ok)).toHaveLength(60);
  expect(await nodes[0].store.countUse(all, NO_OWNER)).toEqual(err({ reason: "used_up" }));
  expect(await deadlocks(store)).toBe(before);
});

test("creations, revokes and sweeps of two nodes at once keep every count right, and none deadlocks", async () => {
  await using store = await openPostgresStore({ maxCapabilitiesPerMembrane: 25 });
  const { at } = store;
  const other = await store.openNode();
  const before = await deadlocks(store);
  const membranes = [await at.membrane("a"), await at.membrane("b"), await at.membrane("c")] as const;
  const [, b, c] = membranes;
  const records = Array.from({ length: 90 }, (_, index) => ({
    ...at.create,
    uid: at.newUid(),
    lookupId: randomBytes(32),
    membrane: membranes[index % 3]!.record.uid,
    createdBy: membranes[(index + 1) % 3]!.export.uid,
  }));
  const stores = [at.store, other.store] as const;
  const made = records.map((record, index) => stores[index % 2 === 0 ? 0 : 1].create([record]));
  const revoked = [at.store.revoke(c.record.uid, "operator"), other.store.revoke(c.record.uid, "operator")];
  const swept = [at.store.sweep(8), other.store.sweep(8), at.store.sweep(8)];
  expect(await Promise.all(revoked)).toEqual([ok(undefined), ok(undefined)]);
  await Promise.all([...made, ...swept]);
  for (let more = true; more;) ({ more } = await other.store.sweep(8));
  const quotas = [
    { owner: b.record.uid, kind: "capabilities" },
    { owner: at.tenant.uid, kind: "membranes" },
  ] as const;
  const request = { uids: [b.record.uid, at.tenant.uid], quotas };
  const counted = () =>
    at.readSnapshot(request, ({ countOwned, storedBytes }) => [
      ...quotas.map(countOwned),
      ...request.uids.map(storedBytes),
    ]);
  const kept = await counted();
  expect(kept[0]).toBeLessThanOrEqual(25);
  await at.dropCounts();
  expect(await counted()).toEqual(kept);
  expect(await deadlocks(store)).toBe(before);
});

test("one sweep waits for another, and for no advisory lock, which every user may take", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const advisory = [7882826992375131749n, 7882826992375131750n].map((key) => `pg_advisory_xact_lock(${key})`);
  await store.during(`SELECT ${advisory.join(", ")}`, () => at.store.sweep(8));
  const sweeping = await store.during(
    "SELECT FROM membrane.meta WHERE key = 'format' FOR UPDATE",
    async () => {
      const swept = at.store.sweep(8);
      await store.waitForLock();
      return { swept };
    },
  );
  await sweeping.swept;
});

test("creations of two nodes at once of what nothing is counted for yet are all counted", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const other = await store.openNode();
  const membrane = await at.membrane("m");
  await at.dropCounts();
  const records = Array.from({ length: 24 }, () => ({
    ...at.create,
    uid: at.newUid(),
    lookupId: randomBytes(32),
    membrane: membrane.record.uid,
  }));
  const made = records.map((record, index) => (index % 2 === 0 ? at.store : other.store).create([record]));
  expect(await Promise.all(made)).toEqual(records.map(() => ok(undefined)));
  const quota = { owner: membrane.record.uid, kind: "capabilities" } as const;
  expect(await at.readSnapshot({ quotas: [quota] }, ({ countOwned }) => countOwned(quota))).toBe(24);
});

test("a tenant and a membrane begin with all their counts, so that the first creation in them counts nothing anew", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const membrane = await at.membrane("m");
  const kinds = async (uid: string): Promise<unknown[]> =>
    (await store.query("SELECT kind FROM membrane.count WHERE uid = $1 ORDER BY kind", [uid])).map(
      ({ kind }) => kind,
    );
  expect(await kinds(at.tenant.uid)).toEqual([0, 1, 2]);
  expect(await kinds(membrane.record.uid)).toEqual([0, 2]);
});

test("a decision that needs other rows than the one before it is made again, with locks on all of them", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const [a, b] = await makeCounters(store.at, [9, 9]);
  let decisions = 0;
  await node.engine.write({ class: "create", owner: NO_OWNER, size: { records: 0, sealedBytes: 0 } }, () => {
    decisions += 1;
    const uids = decisions === 1 ? [a!.uid] : [a!.uid, b!.uid];
    const count = { window: 0, uses: decisions };
    return { result: undefined, changes: uids.map((uid) => ({ type: "putUses", uid, count })) };
  });
  // Without locks, with a lock on one, and with locks on both.
  expect(decisions).toBe(3);
  const uses = [a!.uid, b!.uid];
  expect(await node.engine.read({ uses }, (snapshot) => uses.map(snapshot.uses))).toEqual([
    { window: 0, uses: 3 },
    { window: 0, uses: 3 },
  ]);
});

test("what a decision throws undoes the write, and its connection is used again", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const [once] = await makeCounters(store.at, [1]);
  const request = {
    class: "use",
    owner: NO_OWNER,
    size: { records: 1, sealedBytes: 0 },
    uses: [once!.uid],
  } as const;
  for (let round = 0; round < 20; round += 1)
    await expect(
      node.engine.write(request, () => {
        throw new RangeError("fault");
      }),
    ).rejects.toThrow(new RangeError("fault"));
  const [open] = await store.query(
    "SELECT count(*)::int AS transactions FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
  );
  expect(open).toEqual({ transactions: 0 });
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
});

test("a creation waits for a revoke of what it points to, and is denied if that was committed", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const membrane = await at.membrane("m");
  const change = `UPDATE membrane.record SET body = body WHERE uid = '${membrane.record.uid}'`;
  const created: string[] = [];
  const made = await store.during(change, async () => {
    const made = at.reexport(at.create, membrane).finally(() => created.push("created"));
    await store.waitForLock();
    expect(created).toEqual([]);
    return { made };
  });
  await made.made;
  await at.store.revoke(membrane.record.uid, "operator");
  await expect(at.reexport(at.create, membrane)).rejects.toThrow("lineage_dead");
});
