import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { hostileSettings } from "../../../../testkit/src/hostile-settings.ts";
import { TEST_LEASE_TIMES } from "../../../../testkit/src/postgres-engine.ts";
import type { PostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { startRelay } from "../../../../testkit/src/relay.ts";
import { until } from "../../../../testkit/src/until.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import { withLeaseMs } from "../lease/lease-times.ts";
import { createStore } from "../operations/create-store.ts";
import { openConnection } from "./connection.ts";
import { openPostgresEngine } from "./engine.ts";
import { reportServer } from "./server-report.ts";
import { hasStore } from "./store-presence.ts";

/** What statements have, in a transaction or alone, behind a pooler or not. */
const SETTINGS = {
  search_path: "pg_catalog, pg_temp",
  row_security: "off",
  client_min_messages: "warning",
  synchronous_commit: "on",
  statement_timeout: "0",
  bytea_output: "hex",
  array_nulls: "on",
  extra_float_digits: "1",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  transaction_isolation: "read committed",
};

const READ_SETTINGS = `SELECT ${Object.keys(SETTINGS)
  .map((name) => `current_setting('${name}') AS ${name}`)
  .join()}`;

/** Everything that a node does: it starts, creates, counts, reads, revokes, learns of a revoke and sweeps. */
async function useStore(store: PostgresStore): Promise<void> {
  const { at, config } = store;
  const node = await store.openNode();
  const from = node.engine.position()!;
  const membrane = await at.membrane("m");
  const below = await at.reexport(at.create, membrane);
  expect((await node.store.find(below.lookupId))?.verdict.ok).toBe(true);
  await at.dropCounts();
  await at.reexport(at.create, membrane);
  expect(await node.store.revoke(membrane.record.uid, "operator")).toEqual(ok(undefined));
  await at.store.refresh();
  await node.store.refresh();
  expect(node.engine.revocationsSince(from).uids).toEqual(new Set([membrane.record.uid]));
  expect((await at.store.find(below.lookupId))?.verdict.ok).toBe(false);
  for (let more = true; more;) ({ more } = await node.store.sweep(8));
  expect(await hasStore(config)).toBe(true);
  expect(await reportServer(config, { wall: Date.now, monotonic: () => performance.now() })).toMatchObject({
    store: { nodes: 2 },
  });
}

test("a node does all that it does, whatever an operator has set for its user and its database", async () => {
  await using store = await openPostgresStore();
  for (const statement of hostileSettings(store.config)) await store.query(statement);
  await useStore(store);
});

test("every statement has the settings that the engine is correct with, alone and in a transaction, behind a pooler too", async () => {
  await using store = await openPostgresStore();
  for (const statement of hostileSettings(store.config)) await store.query(statement);
  for (const isPooled of [false, true]) {
    const connection = openConnection(store.config, 10_000, { isPooled });
    expect(await connection.query(READ_SETTINGS)).toEqual([SETTINGS]);
    expect(await connection.execute(READ_SETTINGS, [])).toEqual([SETTINGS]);
    expect(await connection.transaction(() => connection.query(READ_SETTINGS))).toEqual([SETTINGS]);
    await connection.close();
  }
});

test("no statement has a timeout that an operator has set, but those of the engine, alone and in a transaction, behind a pooler too", async () => {
  await using store = await openPostgresStore();
  const { query, config } = store;
  // From PostgreSQL 17.
  const has = (await query("SELECT FROM pg_settings WHERE name = 'transaction_timeout'")).length > 0;
  const ofTransaction = (value: string) => (has ? { transaction_timeout: value } : {});
  const inTransaction = {
    lock_timeout: "10s",
    idle_in_transaction_session_timeout: "10s",
    ...ofTransaction("20s"),
  };
  const names = Object.keys(inTransaction);
  for (const name of names)
    await query(`ALTER ROLE ${config.user} IN DATABASE ${config.database} SET ${name} TO '1h'`);
  const settings = `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join()}`;
  for (const isPooled of [false, true]) {
    const connection = openConnection(config, 10_000, { isPooled });
    // Only behind a pooler is a lone statement more than one message, and only between messages is a transaction idle.
    const idleAlone = { idle_in_transaction_session_timeout: isPooled ? "10s" : "1h" };
    const [alone] = await connection.query(settings);
    expect(alone).toEqual({ ...inTransaction, lock_timeout: "0", ...idleAlone });
    // Behind a pooler it is one message, which waits for no client.
    const executed = {
      lock_timeout: "0",
      idle_in_transaction_session_timeout: "1h",
      ...ofTransaction(isPooled ? "0" : "20s"),
    };
    expect(await connection.execute(settings, [])).toEqual([executed]);
    expect(await connection.transaction(() => connection.query(settings))).toEqual([inTransaction]);
    await connection.close();
  }
});

test("the server lets a read take as long as a read may, also where a write may not", async () => {
  await using store = await openPostgresStore();
  await using relay = await startRelay(store.config.port);
  const engine = await openPostgresEngine({
    connection: { ...store.config, port: relay.port },
    keys: store.at.keys,
    writeTimeoutMs: 10_000,
    readTimeoutMs: 30_000,
    role: { serves: false },
  });
  // Twice that. On older servers it is sent, and has no effect.
  const held = relay.hold("set_config('transaction_timeout', '60000', false)").then(({ pass }) => pass());
  await engine.isEmpty();
  await expect(
    Promise.race([held, Promise.reject(new Error("a read had another time"))]),
  ).resolves.toBeUndefined();
  await engine.close();
});

test("the server soon ends a connection whose machine has gone", async () => {
  await using store = await openPostgresStore();
  const names = [
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_keepalives_count",
    "tcp_user_timeout",
  ];
  const settings = `SELECT ${names.map((name) => `current_setting('${name}')::int AS ${name}`).join()}`;
  const connection = openConnection(store.config, 10_000);
  expect(await connection.query(settings)).toEqual([
    { tcp_keepalives_idle: 5, tcp_keepalives_interval: 1, tcp_keepalives_count: 5, tcp_user_timeout: 10_000 },
  ]);
  await connection.close();
});

test("a connection whose session is another program's, behind a pooler that was put there later, has them in its transactions", async () => {
  await using store = await openPostgresStore();
  for (const statement of hostileSettings(store.config)) await store.query(statement);
  const connection = openConnection(store.config, 10_000);
  await connection.query(
    "RESET ALL; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
  );
  const { plan_cache_mode: _plans, jit: _jit, ...correct } = SETTINGS;
  expect(await connection.transaction(() => connection.query(READ_SETTINGS))).toMatchObject([correct]);
  await connection.close();
});

const RAISES = "LANGUAGE plpgsql AS $$ BEGIN RAISE 'a function of another user was called'; END $$";

/** What others may create in schema `public`, and what a statement would mean instead of PostgreSQL's own. */
const SHADOWS: readonly string[] = [
  ...[
    "unnest(uuid[]) RETURNS SETOF uuid",
    "unnest(bytea[]) RETURNS SETOF bytea",
    "unnest(smallint[]) RETURNS SETOF smallint",
    "gen_random_uuid() RETURNS uuid",
    "now() RETURNS timestamptz",
    "clock_timestamp() RETURNS timestamptz",
    "pg_notify(text, text) RETURNS void",
    "pg_advisory_xact_lock(bigint) RETURNS void",
    "pg_logical_emit_message(boolean, text, text) RETURNS pg_lsn",
    "pg_is_in_recovery() RETURNS boolean",
    "pg_backend_pid() RETURNS int",
    "current_setting(text) RETURNS text",
    "set_config(text, text, boolean) RETURNS text",
    "to_regclass(text) RETURNS regclass",
    "to_regnamespace(text) RETURNS regnamespace",
    "equal(uuid, uuid) RETURNS boolean",
    "equal(bigint, bigint) RETURNS boolean",
    "sum(bigint, int) RETURNS bigint",
    "product(numeric, int) RETURNS numeric",
  ].map((signature) => `CREATE FUNCTION public.${signature} ${RAISES}`),
  "CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.equal)",
  "CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.equal)",
  "CREATE OPERATOR public.+ (LEFTARG = bigint, RIGHTARG = int, FUNCTION = public.sum)",
  "CREATE OPERATOR public.* (LEFTARG = numeric, RIGHTARG = int, FUNCTION = public.product)",
];

test.each(["public, pg_catalog", '"$user", public'])(
  "functions and operators that others have created in schema public are not called, with the search path %s",
  async (path) => {
    await using store = await openPostgresStore();
    const { query, config } = store;
    for (const shadow of SHADOWS) await query(shadow);
    await query(`ALTER ROLE ${config.user} IN DATABASE ${config.database} SET search_path TO ${path}`);
    await useStore(store);
    const pooled = openConnection(config, 10_000, { isPooled: true });
    const text = "UPDATE membrane.lease SET renewals = renewals + 1 WHERE node = $1::uuid RETURNING node";
    expect(await pooled.execute(text, [store.at.tenant.uid])).toEqual([]);
    expect(await pooled.isPooled()).toBe(false);
    await pooled.close();
  },
);

test("a revoke does not pass over a node whose row a policy hides from the user that revokes", async () => {
  await using store = await openPostgresStore({}, withLeaseMs(TEST_LEASE_TIMES, 60_000));
  const { at, query, config } = store;
  const user = `guest_${at.newUid()}`;
  await query(`CREATE ROLE ${user} LOGIN PASSWORD 'guest'`);
  await query(`GRANT USAGE ON SCHEMA membrane TO ${user}`);
  await query(`GRANT ALL ON ALL TABLES IN SCHEMA membrane TO ${user}`);
  const { record } = await at.membrane("m");
  // A node that does not report.
  await query("INSERT INTO membrane.lease VALUES ($1, 7, 0)", [at.newUid()]);
  await using relay = await startRelay(config.port);
  const engine = await openPostgresEngine({
    connection: { ...config, port: relay.port, user, password: "guest" },
    keys: at.keys,
    writeTimeoutMs: 10_000,
    readTimeoutMs: 10_000,
    role: { serves: false },
  });
  const guest = createStore(engine, DEFAULT_LIMITS, Date.now);
  await query("ALTER TABLE membrane.lease ENABLE ROW LEVEL SECURITY");
  let isAcknowledged = false;
  const revoked = guest.revoke(record.uid, "operator").then(() => (isAcknowledged = true));
  await until(
    "the node of the test applies the revoke",
    async () => (await query("SELECT FROM membrane.lease WHERE applied = 1")).length > 0,
  );
  // After each refusal it connects and asks again for the rows of nodes.
  for (let asked = 0; asked < 3; asked += 1)
    await Promise.race([relay.hold("is_standby").then((held) => held.pass()), revoked]);
  expect(isAcknowledged).toBe(false);
  await query("ALTER TABLE membrane.lease DISABLE ROW LEVEL SECURITY");
  await query("UPDATE membrane.lease SET applied = 1 WHERE renewals = 7");
  await revoked;
  await guest.close();
  await query(`DROP OWNED BY ${user}`);
  await query(`DROP ROLE ${user}`);
});

test("a parameter that could end a string of SQL is not sent in the text of a statement", async () => {
  await using store = await openPostgresStore();
  const connection = openConnection(store.config, 10_000, { isPooled: true });
  await expect(connection.execute("SELECT $1::text", ["'; SELECT 1"])).rejects.toThrow(TypeError);
  await expect(connection.execute("SELECT $1::text", ["\\"])).rejects.toThrow(TypeError);
  expect(await connection.execute("SELECT $1::uuid[] AS a, $2::bigint AS b", ["{}", -1])).toEqual([
    { a: "{}", b: "-1" },
  ]);
  await connection.close();
});
