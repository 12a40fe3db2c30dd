import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import { alterServer } from "../../../../testkit/src/postgres-engine.ts";
import type { Node, PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import {
  capabilityThrough,
  makeCounters,
  openPostgresStore,
} from "../../../../testkit/src/postgres-nodes.ts";
import { until } from "../../../../testkit/src/until.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import { creationRequest, decideCreation } from "../operations/create.ts";
import { decideRevocation, revocationRequest } from "../operations/revoke.ts";
import type { StoredRecord } from "../record.ts";
import { StoreBusyError, StoreCorruptError } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";
import { uuidArray } from "./sql-values.ts";

/* What is written in the same turn of the event loop is one group. */

function create({ engine }: Node, records: readonly StoredRecord[], limits = DEFAULT_LIMITS) {
  const creation = { records };
  return engine.write({ ...creationRequest(creation), owner: NO_OWNER }, (snapshot) =>
    decideCreation(snapshot, creation, limits, Date.now()),
  );
}

function revoke({ engine }: Node, root: Uid) {
  const revocation = { root, actor: "operator" } as const;
  return engine.write({ ...revocationRequest(revocation), owner: NO_OWNER }, (snapshot) =>
    decideRevocation(snapshot, revocation, Date.now()),
  );
}

/** How many records each transaction has written, and how many are missing. */
async function transactionsOf({ query }: PostgresStore, records: readonly StoredRecord[]) {
  const rows = await query(
    `SELECT count(*)::int AS records FROM membrane.record WHERE uid = ANY ($1::uuid[]) GROUP BY xmin::text`,
    [uuidArray(records.map(({ uid }) => uid))],
  );
  const sizes = rows.map((row) => Number(row["records"]));
  return { sizes, missing: records.length - sizes.reduce((sum, size) => sum + size, 0) };
}

test("writes that wait together are committed together, at most 32 at a time", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const membrane = await store.at.membrane("m");
  const records = Array.from({ length: 70 }, () => capabilityThrough(store, membrane));
  await Promise.all(records.map((record) => create(node, [record])));
  const { sizes, missing } = await transactionsOf(store, records);
  expect([sizes.toSorted((a, b) => a - b), missing]).toEqual([[6, 32, 32], 0]);
});

test("large writes are committed with fewer others, so that no commit takes long", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const membrane = await store.at.membrane("m");
  const sealed = Buffer.alloc(300 * 1024);
  const records = Array.from({ length: 6 }, () => ({ ...capabilityThrough(store, membrane), sealed }));
  await Promise.all(records.map((record) => create(node, [record])));
  expect(await transactionsOf(store, records)).toEqual({ sizes: [3, 3], missing: 0 });
});

test("a decision that throws and one that reads a damaged row fail alone, and what else is in their group is written", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const node = await store.openNode();
  const [sound, damaged] = [await at.membrane("sound"), await at.membrane("damaged")];
  await store.query(
    "UPDATE membrane.record SET body = set_byte(body, 9, 255 - get_byte(body, 9)) WHERE uid = $1",
    [damaged.record.uid],
  );
  const [before, below, after] = [
    capabilityThrough(store, sound),
    capabilityThrough(store, damaged),
    capabilityThrough(store, sound),
  ];
  const fault = new RangeError("fault");
  const results = await Promise.allSettled([
    create(node, [before]),
    create(node, [below]),
    node.engine.write({ ...creationRequest({ records: [] }), owner: NO_OWNER }, () => {
      throw fault;
    }),
    create(node, [after]),
  ]);
  expect(results).toMatchObject([
    { value: ok(undefined) },
    { reason: expect.any(StoreCorruptError) as unknown },
    { reason: fault },
    { value: ok(undefined) },
  ]);
  expect(await transactionsOf(store, [before, after])).toEqual({ sizes: [2], missing: 0 });
});

test("a write that the database refuses fails alone, and what else is in its group is written", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const membrane = await store.at.membrane("m");
  const records = Array.from({ length: 3 }, () => capabilityThrough(store, membrane));
  await store.query("INSERT INTO membrane.child SELECT $1, false, $2, ''::bytea", [
    membrane.record.uid,
    records[1]!.uid,
  ]);
  const results = await Promise.allSettled(records.map((record) => create(node, [record])));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: expect.any(StoreBusyError) as unknown });
});

test("a quota that is reached in the middle of a group is not exceeded, and the writes after it are denied", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const membrane = await store.at.membrane("m");
  const limits = { ...DEFAULT_LIMITS, maxCapabilitiesPerMembrane: 5 };
  const results = await Promise.all(
    Array.from({ length: 8 }, () => create(node, [capabilityThrough(store, membrane)], limits)),
  );
  expect(results.map(({ ok: isMade }) => isMade)).toEqual([
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  const quota = { owner: membrane.record.uid, kind: "capabilities" } as const;
  expect(await store.at.readSnapshot({ quotas: [quota] }, ({ countOwned }) => countOwned(quota))).toBe(5);
});

test("of two writes in a group that take the same name the second is denied", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const node = await store.openNode();
  const like = (await at.membrane("m")).record;
  const results = await Promise.all(
    ["n", "n", "o"].map((name) => create(node, [{ ...like, uid: at.newUid(), name }])),
  );
  expect(results).toEqual([ok(undefined), err({ reason: "name_taken", type: "membrane" }), ok(undefined)]);
});

test("a counter that is used up in the middle of a group refuses the uses after it", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const [few, many] = await makeCounters(store.at, [3, 99]);
  const uses = Array.from({ length: 5 }, () => node.store.countUse([few!, many!], NO_OWNER));
  const denied = err({ reason: "used_up" });
  expect(await Promise.all(uses)).toEqual([ok(undefined), ok(undefined), ok(undefined), denied, denied]);
  expect(await node.engine.read({ uses: [many!.uid] }, (snapshot) => snapshot.uses(many!.uid))).toEqual({
    window: 0,
    uses: 3,
  });
});

test("revokes of a group have entries in their order, with a tag each, and the head is the last of them", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const node = await store.openNode();
  const [a, b] = [(await at.membrane("a")).record.uid, (await at.membrane("b")).record.uid];
  expect(await Promise.all([a, b, a].map((root) => revoke(node, root)))).toEqual([
    ok(undefined),
    ok(undefined),
    ok(undefined),
  ]);
  const log = await query(
    "SELECT position::int, tag, uid FROM membrane.log WHERE uid IS NOT NULL ORDER BY position",
  );
  const uids = log.map(({ position, uid }) => [
    position,
    Buffer.from(String(uid).replaceAll("-", ""), "hex"),
  ]);
  expect(uids).toEqual([
    [1, uidBytes(a)],
    [2, uidBytes(b)],
  ]);
  expect(log[0]!["tag"]).not.toBe(log[1]!["tag"]);
  expect(await query("SELECT position::int, tag FROM membrane.head")).toEqual([
    { position: 2, tag: log[1]!["tag"] },
  ]);
});

test("groups of two nodes that go through the same membranes in opposite orders do not deadlock, and count right", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const nodes = [await store.openNode(), await store.openNode()];
  const membranes = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => at.membrane(name)));
  const deadlocks = async () =>
    (await query("SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()"))[0];
  const before = await deadlocks();
  const rounds = Array.from({ length: 12 }, async (_, round) => {
    const order = round % 2 === 0 ? membranes : membranes.toReversed();
    return Promise.all(
      nodes.flatMap((node, index) =>
        (index === 0 ? order : order.toReversed()).map((membrane) =>
          create(node, [capabilityThrough(store, membrane)]),
        ),
      ),
    );
  });
  for (const results of await Promise.all(rounds)) expect(results.every((result) => result.ok)).toBe(true);
  const quotas = membranes.map(({ record }) => ({ owner: record.uid, kind: "capabilities" }) as const);
  expect(await at.readSnapshot({ quotas }, ({ countOwned }) => quotas.map(countOwned))).toEqual(
    quotas.map(() => 24),
  );
  expect(await deadlocks()).toEqual(before);
});

test("a group whose connection is lost in its commit is not acknowledged, and can be written again", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode();
  const membrane = await store.at.membrane("m");
  const records = Array.from({ length: 4 }, () => capabilityThrough(store, membrane));
  const outcomes: unknown[] = [];
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'`;
  {
    await using _altered = await alterServer({ synchronous_standby_names: "'absent'" });
    let isFirst = true;
    await until("a commit waits for a standby", async () => {
      const batch = isFirst ? records : [capabilityThrough(store, membrane)];
      isFirst = false;
      const written = Promise.allSettled(batch.map((record) => create(node, [record])));
      const state = { isSettled: false };
      void written.then(() => (state.isSettled = true));
      let waits: Awaited<ReturnType<typeof store.query>> = [];
      await until("the commit waits for a standby, or ends", async () => {
        waits = await store.query(waiting);
        return waits.length > 0 || state.isSettled;
      });
      // The server begins to wait for standbys some time after it has the setting.
      if (waits.length === 0) return false;
      for (const { pid } of waits) await store.query("SELECT pg_terminate_backend($1)", [Number(pid)]);
      outcomes.push(...(await written));
      return true;
    });
  }
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StoreBusyError) as unknown });
  const again = await Promise.all(records.map((record) => create(node, [record])));
  expect(again).toEqual(records.map(() => ok(undefined)));
  expect((await transactionsOf(store, records)).missing).toBe(0);
});
