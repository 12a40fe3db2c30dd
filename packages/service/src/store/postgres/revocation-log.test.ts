import { randomBytes } from "node:crypto";
import { ok } from "capability-protocol";
import postgres from "postgres";
import { expect, test } from "vitest";
import { deferred } from "../../../../testkit/src/deferred.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import { createStore } from "../operations/create-store.ts";
import { StoreBusyError } from "../store.ts";
import { openPostgresEngine } from "./engine.ts";

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
  await using store = await openPostgresStore();
  const { at, config } = store;
  const waits: { readonly sequence: bigint; readonly applied: ReturnType<typeof deferred<void>> }[] = [];
  const engine = await openPostgresEngine({
    connection: config,
    keys: at.keys,
    writeTimeoutMs: 10_000,
    readTimeoutMs: 10_000,
    startRevocations: () =>
      Promise.resolve({
        position: () => undefined,
        revocationsSince: (position) => ({ position, uids: "everything" }),
        refresh: () => Promise.resolve(),
        waitUntilApplied({ sequence }) {
          const applied = deferred<void>();
          waits.push({ sequence, applied });
          return applied.promise;
        },
        close: () => Promise.resolve(),
      }),
  });
  const node = createStore(engine, DEFAULT_LIMITS, Date.now);
  const [a, b] = [await at.membrane("a"), await at.membrane("b")];
  const settled: string[] = [];
  const revoke = (name: string, uid: typeof a.record.uid) =>
    node.revoke(uid, "operator").then(
      () => settled.push(name),
      (error: unknown) => settled.push(`${name}: ${String(error)}`),
    );
  const reached = async (count: number): Promise<void> => {
    while (waits.length < count) await new Promise(setImmediate);
  };
  const first = revoke("first", a.record.uid);
  await reached(1);
  const repeated = revoke("repeated", a.record.uid);
  await reached(2);
  const denied = revoke("denied", a.export.uid);
  await reached(3);
  const late = revoke("late", b.record.uid);
  await reached(4);
  expect(await node.create([{ ...at.create, uid: at.newUid(), lookupId: randomBytes(32) }])).toEqual(
    ok(undefined),
  );
  expect(settled).toEqual([]);
  expect(waits.map(({ sequence }) => sequence)).toEqual([1n, 1n, 1n, 2n]);
  for (const { applied } of waits.slice(0, 3)) applied.resolve();
  waits[3]!.applied.reject(new StoreBusyError("a node has not applied it"));
  await Promise.all([first, repeated, denied, late]);
  expect(settled).toEqual(["first", "repeated", "denied", "late: StoreBusyError: a node has not applied it"]);
  await node.close();
});
