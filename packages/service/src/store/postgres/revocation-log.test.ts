import { randomBytes } from "node:crypto";
import { ok } from "capability-protocol";
import postgres from "postgres";
import { expect, test } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { TEST_LEASE_TIMES } from "../../../../testkit/src/postgres-engine.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { until } from "../../../../testkit/src/until.ts";
import { withLeaseMs } from "../lease/lease-times.ts";
import { StoreFailedError } from "../store.ts";

test("a sweep drops entries of the log but the last 10,000, those of the last hour, and from the last that every node applied", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const sweep = async (): Promise<unknown> => {
    for (let batch = 0; batch < 3; batch += 1) await at.store.sweep(100);
    return (await query("SELECT min(position)::int AS first FROM membrane.log"))[0]?.["first"];
  };
  await query("DELETE FROM membrane.log");
  await query(
    "INSERT INTO membrane.log SELECT n, gen_random_uuid(), NULL, now() FROM generate_series(1, 10050) n",
  );
  await query("UPDATE membrane.head SET position = 10050");
  // The node of the test joins anew, since the log does not have what it has applied.
  const joined = "SELECT FROM membrane.lease HAVING bool_and(applied = 10050)";
  await until("the node has joined again", async () => (await query(joined)).length > 0);
  expect(await sweep()).toBe(1);
  await query("UPDATE membrane.log SET appended_at = now() - interval '61 minutes'");
  await query("INSERT INTO membrane.lease VALUES (gen_random_uuid(), 7, 20), (gen_random_uuid(), 7, 9000)");
  expect(await sweep()).toBe(20);
  await query("DELETE FROM membrane.lease WHERE applied = 20");
  expect(await sweep()).toBe(50);
  await query("INSERT INTO membrane.lease VALUES (gen_random_uuid(), 0, -1)");
  await query("UPDATE membrane.head SET position = 20000");
  expect(await sweep()).toBe(50);
});

test("a revoke appends one entry with a new tag, and a repeated one appends none", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const membrane = await at.membrane("m");
  const before = (await at.store.find(membrane.export.lookupId))!.position;
  const appended = () =>
    query("SELECT position::int, tag::text, uid::text FROM membrane.log ORDER BY position");
  const [genesis] = await appended();
  expect(genesis).toMatchObject({ position: 0, uid: null });
  await at.store.revoke(membrane.record.uid, "operator");
  await at.store.revoke(membrane.record.uid, "operator");
  const log = await appended();
  expect(log).toHaveLength(2);
  expect(String(log[1]!["uid"]).replaceAll("-", "")).toBe(membrane.record.uid);
  const after = (await at.store.find(membrane.export.lookupId))!.position;
  expect(after).toEqual({ log: String(log[1]!["tag"]).replaceAll("-", ""), sequence: 1n });
  expect(before).toEqual({ log: String(genesis!["tag"]).replaceAll("-", ""), sequence: 0n });
  expect(after.log).not.toBe(before.log);
});

test("a revoke of which the database does not say for which leases it waits is not acknowledged, the first and the repeated", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const { record } = await at.membrane("m");
  const [kept] = await query("DELETE FROM membrane.lease_length RETURNING lease_ms");
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(at.store.revoke(record.uid, "operator")).rejects.toThrow(StoreFailedError);
  await query("INSERT INTO membrane.lease_length (lease_ms) VALUES ($1)", [Number(kept?.["lease_ms"])]);
  expect(await at.store.revoke(record.uid, "operator")).toEqual(ok(undefined));
});

test("a revoke notifies the nodes that listen", async () => {
  await using store = await openPostgresStore();
  const { at, config } = store;
  const membrane = await at.membrane("m");
  const client = postgres({ ...config, max: 1, fetch_types: false });
  const notified = deferred<string>();
  await client.listen("membrane", notified.resolve);
  await at.store.revoke(membrane.record.uid, "operator");
  expect(await notified.promise).toBe("");
  await client.end();
});

test("a revoke is acknowledged when every node has applied it, and so are a repeated and a denied one; a creation does not wait", async () => {
  const leaseMs = 60_000;
  await using store = await openPostgresStore({}, withLeaseMs(TEST_LEASE_TIMES, leaseMs));
  const { at, query } = store;
  const a = await at.membrane("a");
  // Another node, which never renews.
  await query("INSERT INTO membrane.lease VALUES ($1, 1, 0)", [at.newUid()]);
  const node = await store.openNode();
  const settled: string[] = [];
  const revoke = (name: string, uid: typeof a.record.uid) =>
    node.store.revoke(uid, "operator").then(
      () => settled.push(name),
      (error: unknown) => settled.push(`${name}: ${String(error)}`),
    );
  const appended = (position: number): Promise<void> =>
    until(
      `the log has the entry ${position}`,
      async () => (await query("SELECT FROM membrane.log WHERE position = $1", [position])).length > 0,
    );
  const first = revoke("first", a.record.uid);
  await appended(1);
  const repeated = revoke("repeated", a.record.uid);
  const denied = revoke("denied", a.export.uid);
  expect(await node.store.create([{ ...at.create, uid: at.newUid(), lookupId: randomBytes(32) }])).toEqual(
    ok(undefined),
  );
  expect(settled).toEqual([]);
  await query("UPDATE membrane.lease SET applied = 1 WHERE renewals = 1 AND applied = 0");
  await Promise.all([first, repeated, denied]);
  expect(settled.toSorted()).toEqual(["denied", "first", "repeated"]);
});
