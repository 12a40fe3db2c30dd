import { expect, test } from "vitest";
import { createDatabase, openStoreIn } from "../../../testkit/src/instance-store.ts";
import { openNodeEngine, useConnection } from "../../../testkit/src/postgres-engine.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import { mountSmallDisk } from "../../../testkit/src/small-disk.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import { createStore } from "../../src/store/operations/create-store.ts";
import type { StoreCondition } from "../../src/store/store.ts";
import { StoreBusyError, StoreFullError } from "../../src/store/store.ts";

test("while the server's disk is full, creations are refused and reads work; with room again, creations do by themselves", async () => {
  await using disk = await mountSmallDisk(192);
  await using server = await startPostgres({
    parent: disk.path,
    // Room that the write-ahead log has already is used again; more is needed for tables alone.
    settings: { min_wal_size: "'64MB'", max_wal_size: "'64MB'", shared_buffers: "'16MB'" },
  });
  const config = await createDatabase(server);
  await using at = await openStoreIn(config);
  const conditions: StoreCondition["state"][] = [];
  const engine = await openNodeEngine(config, {
    keys: at.keys,
    writeTimeoutMs: 10_000,
    report: ({ state }) => conditions.push(state),
  });
  const node = createStore(engine, DEFAULT_LIMITS, Date.now);
  const kept = await at.membrane("kept");
  await useConnection(config, (connection) => connection.query("CHECKPOINT"));
  disk.fill();
  const made: string[] = [];
  const refused = await (async () => {
    for (let round = 0; ; round += 1) {
      const record = { ...kept.record, uid: at.newUid(), name: `m${round} ${"x".repeat(100)}` };
      try {
        await node.create([record]);
        made.push(record.name);
      } catch (error) {
        return error;
      }
    }
  })();
  expect(refused).toBeInstanceOf(StoreFullError);
  expect(conditions).toEqual(["full"]);
  expect((await node.find(kept.export.lookupId))?.verdict.ok).toBe(true);
  await disk.empty();
  const after = { ...kept.record, uid: at.newUid(), name: "after" };
  expect((await node.create([after])).ok).toBe(true);
  expect(conditions).toEqual(["full", "writable"]);
  const { membranes } = await node.membranes(at.tenant.uid, { limit: 1_000_000 });
  const stored = new Set(membranes.map(({ name }) => name));
  expect(made.filter((name) => !stored.has(name))).toEqual([]);
  await node.close();
});

test("a revoke for whose log the server has no room is not acknowledged, and can be repeated once there is room and the server runs again", async () => {
  await using disk = await mountSmallDisk(160);
  await using server = await startPostgres({
    parent: disk.path,
    // No file of the write-ahead log is kept for later.
    settings: {
      min_wal_size: "'32MB'",
      max_wal_size: "'64MB'",
      wal_recycle: "off",
      shared_buffers: "'16MB'",
    },
  });
  await using at = await openStoreIn(await createDatabase(server));
  const [first, membrane] = [await at.membrane("first"), await at.membrane("m")];
  // The tables have room for one more.
  await at.store.revoke(first.record.uid, "operator");
  const revoke = () => at.store.revoke(membrane.record.uid, "operator");
  disk.fill();
  // What comes after it needs another file.
  await useConnection(server.config(), (connection) => connection.query("SELECT pg_switch_wal()")).catch(
    () => undefined,
  );
  await expect(revoke()).rejects.toThrow(StoreBusyError);
  await disk.empty();
  const responds = (): Promise<boolean> =>
    useConnection(server.config(), (connection) => connection.query("SELECT")).then(
      () => true,
      () => false,
    );
  const starts = (): Promise<boolean> =>
    server.start().then(
      () => true,
      () => false,
    );
  // A server that cannot recover without room has ended.
  await expect.poll(async () => (await responds()) || starts()).toBe(true);
  await expect
    .poll(
      () =>
        revoke().then(
          ({ ok }) => ok,
          (error: unknown) => error,
        ),
      { timeout: 60_000 },
    )
    .toBe(true);
  expect((await at.store.find(membrane.export.lookupId))?.verdict.ok).toBe(false);
});
