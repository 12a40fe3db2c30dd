import type { TransactionSql } from "postgres";
import postgres from "postgres";
import { expect, test } from "vitest";
import { createDatabase, openStoreIn } from "../../../testkit/src/instance-store.ts";
import { HOSTILE_VALUES, hostileSettings } from "../../../testkit/src/hostile-settings.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startPgBouncer } from "../../../testkit/src/pgbouncer.ts";
import { openNodeEngine, useConnection } from "../../../testkit/src/postgres-engine.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import { until } from "../../../testkit/src/until.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import { createStore } from "../../src/store/operations/create-store.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";
import { openConnection } from "../../src/store/postgres/connection.ts";
import { reportServer } from "../../src/store/postgres/server-report.ts";
import { readStoreFormat } from "../../src/store/postgres/transfer/arriving-store.ts";
import { withDepartingStore } from "../../src/store/postgres/transfer/departing-store.ts";
import { hasStore } from "../../src/store/postgres/store-presence.ts";

const SESSIONS = 3;

/** A server with a store's database, and a pooler with so few connections that clients share them all the time. */
async function startPooled() {
  const server = await startPostgres();
  const pooler = await startPgBouncer(server, SESSIONS);
  const config = await createDatabase(server);
  return {
    config,
    pooled: { ...config, port: pooler.port },
    async [Symbol.asyncDispose]() {
      await pooler[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a pooler is noticed, and a server without one is not taken for it", async () => {
  await using at = await startPooled();
  expect(await useConnection(at.pooled, (connection) => connection.isPooled())).toBe(true);
  expect(await useConnection(at.config, (connection) => connection.isPooled())).toBe(false);
});

test("nodes behind a pooler that share three sessions create, revoke and learn of revokes, whatever settings these have", async () => {
  await using at = await startPooled();
  await useConnection(at.config, async (connection) => {
    for (const setting of hostileSettings(at.config, HOSTILE_VALUES)) await connection.query(setting);
  });
  await using store = await openStoreIn(at.pooled);
  const engine = await openNodeEngine(at.pooled, { keys: store.keys, writeTimeoutMs: 10_000 });
  const other = createStore(engine, DEFAULT_LIMITS, Date.now);
  const made = await Promise.all(Array.from({ length: 30 }, (_, index) => store.membrane(`m${index}`)));
  const before = engine.position()!;
  await Promise.all(made.map(({ record }) => store.store.revoke(record.uid, "operator")));
  await engine.refresh();
  expect(engine.revocationsSince(before).uids).toEqual(new Set(made.map(({ record }) => record.uid)));
  for (const { export: one } of made) expect((await other.find(one.lookupId))?.verdict.ok).toBe(false);
  await other.close();
});

test("a node behind a pooler leaves no setting, no listener and no statement in the sessions that other programs use", async () => {
  await using at = await startPooled();
  await using store = await openStoreIn(at.pooled);
  const { record } = await store.membrane("m");
  await store.store.revoke(record.uid, "operator");
  // So do the commands of the operator.
  expect(await hasStore(at.pooled)).toBe(true);
  expect(await reportServer(at.pooled, { wall: Date.now, monotonic: Date.now })).toMatchObject({
    isPooled: true,
    synchronousCommit: "off",
    store: { nodes: 1 },
  });
  // The pooler sets the name of the program, for each client.
  const left = await inEachSession(at.pooled, async (sql) => [
    ...(await sql`SELECT name FROM pg_settings WHERE source = 'session' AND name <> 'application_name'`),
    ...(await sql`SELECT pg_listening_channels() AS name`),
    ...(await sql`SELECT name FROM pg_prepared_statements`),
  ]);
  expect(left).toEqual([[], [], []]);
});

test("what a connection through a pooler leaves behind that is abandoned is cancelled", async () => {
  await using at = await startPooled();
  await useConnection(at.config, async (other) => {
    const isRunning = async (): Promise<boolean> => {
      const text = "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'";
      return (await other.query(text)).length > 0;
    };
    // The server would end a longer transaction by itself.
    const connection = openConnection(at.pooled, 3_600_000, { isPooled: true });
    const slept = connection.query("SELECT pg_sleep(3600)");
    slept.catch(() => undefined);
    await until("the statement runs", isRunning);
    connection.abandon();
    await expect(slept).rejects.toThrow();
    await until("the statement was cancelled", async () => !(await isRunning()));
  });
});

test("a move through a pooler is refused and leaves no setting, at the source and at the destination", async () => {
  await using at = await startPooled();
  await using store = await openStoreIn(at.config);
  const refusal = "the database is behind a pooler: name the server";
  await expect(readStoreFormat(at.pooled, store.keys)).rejects.toThrow(refusal);
  const moved = withDepartingStore(at.pooled, store.keys, () => Promise.resolve("moved"));
  await expect(moved).rejects.toThrow(refusal);
  const settings = await inEachSession(
    at.pooled,
    (sql) =>
      sql`SELECT name FROM pg_settings WHERE source = 'session' AND name IN ('statement_timeout', 'enable_seqscan', 'jit')`,
  );
  expect(settings.flat()).toEqual([]);
});

test("behind a pooler a statement has the settings of the node, in a transaction and without one", async () => {
  await using at = await startPooled();
  const hostile = { lock_timeout: "'1h'", idle_in_transaction_session_timeout: "'1h'" };
  await useConnection(at.config, async (connection) => {
    for (const setting of hostileSettings(at.config, hostile)) await connection.query(setting);
  });
  const names = [
    "synchronous_commit",
    "plan_cache_mode",
    "jit",
    "enable_seqscan",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
  ];
  const settings = `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join()}`;
  const connection = openConnection(at.pooled, 10_000, { isPooled: true });
  const expected = {
    synchronous_commit: "on",
    plan_cache_mode: "force_generic_plan",
    jit: "off",
    enable_seqscan: "off",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "10s",
  };
  expect(await connection.query(settings)).toEqual([expected]);
  // It is one message, after which the transaction has ended.
  expect(await connection.execute(settings, [])).toEqual([
    { ...expected, idle_in_transaction_session_timeout: "1h" },
  ]);
  expect(await connection.transaction(() => connection.query(settings))).toEqual([
    { ...expected, lock_timeout: "10s" },
  ]);
  await connection.close();
});

/** Runs `use` in transactions of as many clients at once as the pooler has sessions. */
async function inEachSession<T>(
  config: ConnectionConfig,
  use: (sql: TransactionSql) => Promise<T>,
): Promise<unknown[]> {
  // Another program, whose sessions have no settings.
  const clients = Array.from({ length: SESSIONS }, () =>
    postgres({ ...config, max: 1, fetch_types: false, prepare: false }),
  );
  const pids = new Set<unknown>();
  const all = deferred<void>();
  try {
    return await Promise.all(
      clients.map((client) =>
        client.begin(async (sql) => {
          pids.add((await sql`SELECT pg_backend_pid() AS pid`)[0]?.["pid"]);
          if (pids.size === SESSIONS) all.resolve();
          await all.promise;
          return use(sql);
        }),
      ),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end({ timeout: 1 })));
  }
}
