import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { err, ok } from "capability-protocol";
import { expect, test } from "vitest";
import {
  alterServer,
  databaseOf,
  openTestPostgresEngine,
  useConnection,
} from "../../../../testkit/src/postgres-engine.ts";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { startRelay } from "../../../../testkit/src/relay.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import type { UseCounter } from "../../domain/use-counter.ts";
import { createServiceKeys } from "../keys.ts";
import { StoreBusyError, StoreFailedError, StoreFormatError } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";
import { openPostgresEngine } from "./engine.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

const OPTIONS = { writeTimeoutMs: 10_000, reserveBytes: 0 };

async function counters({ at }: PostgresStore, maxUses: readonly number[]): Promise<UseCounter[]> {
  return Promise.all(
    maxUses.map(async (max) => {
      const { uid } = await at.capability({ kind: "create", resource: at.tenant.uid }, { isCounted: true });
      return { uid, maxUses: max, createdAt: 0 };
    }),
  );
}

async function deadlocks({ query }: PostgresStore): Promise<number> {
  const [row] = await query("SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()");
  return Number(row?.["deadlocks"]);
}

test("nodes that start at once on an empty database make one schema and one store", async () => {
  await using directory = await temporaryDirectory();
  const keys = createServiceKeys(randomBytes(32));
  const open = () => openTestPostgresEngine({ ...OPTIONS, directory: join(directory.path, "store"), keys });
  await databaseOf(join(directory.path, "store"));
  const engines = await Promise.all([open(), open(), open(), open()]);
  expect(new Set(engines.map(({ id }) => id)).size).toBe(1);
  const applied = await useConnection(await databaseOf(join(directory.path, "store")), (connection) =>
    connection.query("SELECT version FROM membrane.migration"),
  );
  expect(applied).toEqual(MIGRATIONS.map((_, index) => ({ version: index + 1 })));
  await Promise.all(engines.map((engine) => engine.close()));
});

test("a failed migration leaves nothing behind, and the next start makes it whole", async () => {
  await using directory = await temporaryDirectory();
  const config = await databaseOf(join(directory.path, "store"));
  const broken = [...MIGRATIONS, ["CREATE TABLE membrane.later (x int)", "SELECT no_such_column"]];
  await useConnection(config, async (connection) => {
    await expect(migrate(connection, broken)).rejects.toThrow("no_such_column");
    const [schema] = await connection.query("SELECT to_regnamespace('membrane') IS NULL AS is_gone");
    expect(schema).toEqual({ is_gone: true });
    await migrate(connection, MIGRATIONS);
    await migrate(connection, [...MIGRATIONS, ["CREATE TABLE membrane.later (x int)"]]);
    expect(await connection.query("SELECT version FROM membrane.migration ORDER BY version")).toHaveLength(
      MIGRATIONS.length + 1,
    );
  });
});

test("a schema of a newer program is refused, and so is a node with another service key", async () => {
  await using store = await openPostgresStore();
  const directory = join(store.at.directory, "store");
  const otherKey = { ...OPTIONS, directory, keys: createServiceKeys(randomBytes(32)) };
  await expect(openTestPostgresEngine(otherKey)).rejects.toThrow(StoreFormatError);
  await expect(openTestPostgresEngine(otherKey)).rejects.toThrow("the service key is not the one");
  await store.query("INSERT INTO membrane.migration (version) VALUES (99)");
  const later = openTestPostgresEngine({ ...OPTIONS, directory, keys: store.at.keys });
  await expect(later).rejects.toThrow("the store has schema 99");
});

test("a server that could lose what it acknowledged is refused", async () => {
  for (const setting of ["fsync", "full_page_writes"]) {
    await using store = await openPostgresStore();
    await using _altered = await alterServer({ [setting]: "off" });
    await expect(store.openNode()).rejects.toThrow(`the server has ${setting} off`);
  }
});

test("of uses by two nodes exactly as many are counted as there may be, in whatever order they name their counters", async () => {
  await using store = await openPostgresStore();
  const nodes = [await store.openNode(), await store.openNode()] as const;
  const all = await counters(store, [60, 60, 60]);
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
  const [a, b] = await counters(store, [9, 9]);
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
  const [once] = await counters(store, [1]);
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

test("a write that waits too long is not acknowledged, and the next one succeeds", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode({ writeTimeoutMs: 300 });
  const [once] = await counters(store, [5]);
  await store.during("SELECT FROM membrane.count FOR UPDATE", () =>
    expect(node.store.countUse([once!], NO_OWNER)).rejects.toThrow(StoreBusyError),
  );
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
});

test("connections on which nothing comes back are replaced: as many writes as there are time out, and the next one succeeds", async () => {
  await using store = await openPostgresStore();
  const [once] = await counters(store, [5]);
  await using relay = await startRelay(store.config.port);
  const node = await store.openNode({ writeTimeoutMs: 300, port: relay.port });
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
  relay.silence();
  const silent = Array.from({ length: 20 }, () => node.store.countUse([once!], NO_OWNER));
  for (const use of silent) await expect(use).rejects.toThrow(StoreBusyError);
  await expect(node.store.find(randomBytes(32))).rejects.toThrow(StoreBusyError);
  relay.speak();
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
  expect(await node.store.find(randomBytes(32))).toBeUndefined();
});

test("a write whose connection is lost is not acknowledged, what was acknowledged is there, and the node recovers", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const acknowledged: string[] = [];
  const errors: unknown[] = [];
  for (let wave = 0; wave < 3; wave += 1) {
    const names = Array.from({ length: 20 }, (_, index) => `m${wave} ${index}`);
    const writes = names.map((name) =>
      at.membrane(name).then(
        () => acknowledged.push(name),
        (error: unknown) => errors.push(error),
      ),
    );
    await store.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await Promise.all(writes);
  }
  expect(errors).not.toEqual([]);
  for (const error of errors) expect(error).toBeInstanceOf(StoreBusyError);
  await expect(at.membrane("after").catch(() => at.membrane("after"))).resolves.toBeDefined();
  const { membranes } = await at.store.membranes(at.tenant.uid, { limit: 100 });
  const stored = new Set(membranes.map(({ name }) => name));
  expect(acknowledged.filter((name) => !stored.has(name))).toEqual([]);
});

test("a commit that the server does not warrant is not acknowledged", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const waiting =
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'";
  await using _altered = await alterServer({ synchronous_standby_names: "'absent'" });
  for (let tries = 0; ; tries += 1) {
    const outcome = { settled: false, error: undefined as unknown };
    const write = at
      .membrane(`m${tries}`)
      .catch((error: unknown) => (outcome.error = error))
      .finally(() => (outcome.settled = true));
    let waits = await query(waiting);
    while (waits.length === 0 && !outcome.settled) waits = await query(waiting);
    // The server begins to wait for standbys some time after it has the setting.
    if (waits.length === 0) continue;
    // It commits anyway, and warns.
    for (const { pid } of waits) await query("SELECT pg_cancel_backend($1)", [Number(pid)]);
    await write;
    expect(outcome.error).toBeInstanceOf(StoreFailedError);
    expect(outcome.error).toMatchObject({ message: "the commit had the warning 01000" });
    return;
  }
});

test("transactions are as durable and as isolated as the engine needs, whatever the defaults of the database are", async () => {
  await using directory = await temporaryDirectory();
  const config = await databaseOf(join(directory.path, "store"));
  const defaults = {
    synchronous_commit: "off",
    default_transaction_isolation: "'repeatable read'",
    default_transaction_read_only: "on",
  };
  await useConnection(config, async (connection) => {
    for (const [name, value] of Object.entries(defaults))
      await connection.query(`ALTER DATABASE ${config.database} SET ${name} TO ${value}`);
  });
  await useConnection(config, async (connection) => {
    const names = ["synchronous_commit", "transaction_isolation", "transaction_read_only"];
    const settings = names.map((name) => `current_setting('${name}') AS ${name}`).join();
    const [row] = await connection.transaction(() => connection.query(`SELECT ${settings}`));
    expect(row).toEqual({
      synchronous_commit: "on",
      transaction_isolation: "read committed",
      transaction_read_only: "off",
    });
  });
});

test("a denied creation and a repeated revoke are written to the server's log, so that what they saw is on disk", async () => {
  await using store = await openPostgresStore({ maxCapabilitiesPerMembrane: 0 });
  const { at, query } = store;
  const membrane = await at.membrane("m");
  await at.store.revoke(membrane.record.uid, "operator");
  const written = async (): Promise<unknown> =>
    (await query("SELECT pg_current_wal_insert_lsn()::text AS place"))[0]?.["place"];
  const head = async () => (await query("SELECT ctid::text, position FROM membrane.head"))[0];
  const before = await written();
  await expect(at.reexport(at.create, membrane)).rejects.toThrow("lineage_dead");
  expect(await written()).not.toBe(before);
  const first = await head();
  expect(await at.store.revoke(membrane.record.uid, "operator")).toEqual(ok(undefined));
  expect(await head()).toMatchObject({ position: first!["position"] });
  expect((await head())!["ctid"]).not.toBe(first!["ctid"]);
});

test("a server that is not there is no response in time, and neither its address nor a password is in the error", async () => {
  await using directory = await temporaryDirectory();
  const config = await databaseOf(join(directory.path, "store"));
  const opened = openPostgresEngine({
    connection: { ...config, port: 1, password: "canary" },
    keys: createServiceKeys(randomBytes(32)),
    writeTimeoutMs: 1_000,
    readTimeoutMs: 1_000,
    startRevocations: () => Promise.reject(new Error("not reached")),
  });
  await expect(opened).rejects.toThrow(new StoreBusyError("the store was not reached (ECONNREFUSED)"));
});
