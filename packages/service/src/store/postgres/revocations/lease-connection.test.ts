import { expect, test } from "vitest";
import { alterServer, TEST_LEASE_TIMES } from "../../../../../testkit/src/postgres-engine.ts";
import type { PostgresStore } from "../../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../../testkit/src/postgres-nodes.ts";
import { until } from "../../../../../testkit/src/until.ts";
import { withLeaseMs } from "../../lease/lease-times.ts";

/** The nodes renew of themselves only after minutes. */
const RARE = { ...withLeaseMs(TEST_LEASE_TIMES, 200_000), leaseRenewalIntervalMs: 150_000 };

/** Appends entries to the log as another node does, and notifies none. */
async function append({ query }: PostgresStore, count: number): Promise<void> {
  await query(
    `WITH h AS (UPDATE membrane.head SET position = position + $1::int, tag = gen_random_uuid() RETURNING position, tag)
     INSERT INTO membrane.log (position, tag, uid)
     SELECT n, CASE WHEN n = h.position THEN h.tag ELSE gen_random_uuid() END, gen_random_uuid()
     FROM h, generate_series(h.position - $1::int + 1, h.position) n`,
    [count],
  );
}

async function endBackends({ query }: PostgresStore, condition: string): Promise<number> {
  const ended = await query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${condition}`,
  );
  return ended.length;
}

/** Waits until a renewal has come to its end. */
async function nextRenewal(store: PostgresStore): Promise<void> {
  const renewals = async (): Promise<number> =>
    Number((await store.query("SELECT renewals FROM membrane.lease"))[0]?.["renewals"]);
  const before = await renewals();
  await until("a renewal", async () => (await renewals()) > before);
}

test("a node that lost its connections between two statements goes on with its row", async () => {
  await using store = await openPostgresStore();
  const rows = () => store.query("SELECT node FROM membrane.lease");
  const before = await rows();
  await nextRenewal(store);
  expect(await endBackends(store, "state = 'idle'")).toBeGreaterThan(0);
  await nextRenewal(store);
  expect(await rows()).toEqual(before);
});

test("a node that cannot listen learns of revokes with its next renewal, and listens again", async () => {
  await using store = await openPostgresStore();
  const { engine } = await store.openNode();
  const from = engine.position()!;
  const listens = "query = 'LISTEN membrane'";
  const listening = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND ${listens}`;
  const bothListen = async (): Promise<boolean> => (await store.query(listening)).length === 2;
  await until("both nodes listen", bothListen);
  expect(await endBackends(store, listens)).toBe(2);
  await append(store, 1);
  await until("the node has applied the entry", () => (engine.position() ?? from).sequence > from.sequence);
  expect(engine.revocationsSince(from).uids).toHaveLength(1);
  await until("both nodes listen again", bothListen);
});

test("a node that is behind by more than one reply applies all that it has missed", async () => {
  await using store = await openPostgresStore();
  const { engine } = await store.openNode();
  const from = engine.position()!;
  await append(store, 2_500);
  const end = from.sequence + 2_500n;
  await until("the node has applied all entries", () => (engine.position() ?? from).sequence === end);
  expect(engine.revocationsSince(from).uids).toHaveLength(2_500);
});

test("a node waits for what a snapshot is ahead of, and asks for it at once", async () => {
  await using store = await openPostgresStore({}, RARE);
  const { engine } = await store.openNode();
  const from = engine.position()!;
  await append(store, 3);
  const readAt = await engine.read({}, (snapshot) => snapshot.position());
  expect(readAt.sequence).toBe(from.sequence + 3n);
  expect(engine.position()).toBe(from);
  await engine.refresh(readAt);
  expect(engine.position()).toEqual(readAt);
});

test("a node that is notified reads what is new, and renews once to report it", async () => {
  await using store = await openPostgresStore({}, RARE);
  const from = store.at.store.position()!.sequence;
  const row = async () => (await store.query("SELECT renewals, applied FROM membrane.lease"))[0]!;
  const { renewals } = await row();
  await append(store, 3);
  await store.query("SELECT pg_notify('membrane', '')");
  await expect.poll(row).toMatchObject({ applied: String(from + 3n) });
  expect(await row()).toMatchObject({ renewals: String(Number(renewals) + 1) });
});

test("a node that is notified and whose last entry the log does not have raises the alarm", async () => {
  await using store = await openPostgresStore({}, RARE);
  const lost: unknown[] = [];
  const { engine } = await store.openNode({ onRevocationsLost: (applied) => lost.push(applied) });
  await append(store, 1);
  await engine.refresh(await engine.read({}, (snapshot) => snapshot.position()));
  const before = engine.position();
  await store.query(
    "UPDATE membrane.log SET tag = gen_random_uuid() WHERE position = (SELECT position FROM membrane.head)",
  );
  await append(store, 1);
  await store.query("SELECT pg_notify('membrane', '')");
  await expect.poll(() => lost).toEqual([before]);
});

test("a renewal that a standby may not have counts no lease, whatever the default of the database is", async () => {
  await using store = await openPostgresStore();
  for (const setting of ["synchronous_commit TO off", "client_min_messages TO error"])
    await store.query(`ALTER DATABASE ${store.config.database} SET ${setting}`);
  const { engine } = await store.openNode();
  const waiting = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'SyncRep' AND query LIKE '%membrane.lease%'`;
  {
    await using _altered = await alterServer({ synchronous_standby_names: "'absent'" });
    await until("the node has no lease", () => engine.position() === undefined);
    // The server carries them out, and warns.
    let cancelled = 0;
    await until("ten renewals wait for a standby", async () => {
      cancelled += (await store.query(waiting)).length;
      return cancelled >= 10;
    });
    expect(engine.position()).toBeUndefined();
  }
  await until("the node has a lease again", async () => {
    await engine.refresh().catch(() => undefined);
    return engine.position() !== undefined;
  });
});

test("a node has a lease and learns of revokes, whatever transactions of the database are by default", async () => {
  await using store = await openPostgresStore();
  const { at, query, config } = store;
  const defaults = { default_transaction_isolation: "serializable", default_transaction_read_only: "on" };
  for (const [name, value] of Object.entries(defaults))
    await query(`ALTER DATABASE ${config.database} SET ${name} TO ${value}`);
  const { engine } = await store.openNode();
  const from = engine.position()!;
  const { record } = await at.membrane("m");
  await at.store.revoke(record.uid, "operator");
  await engine.refresh();
  expect(engine.revocationsSince(from).uids).toEqual(new Set([record.uid]));
});

test("while a synchronous standby is gone, a node that joins again and again leaves no process of the server waiting for each attempt", async () => {
  const times = { ...TEST_LEASE_TIMES, leaseReplyTimeoutMs: 500, leaseConnectTimeoutMs: 500 };
  await using store = await openPostgresStore({}, times);
  const { engine } = await store.openNode();
  const waiting = () =>
    store.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'");
  /** The names of rows that were never renewed: they are seen once the server does not wait with them any more. */
  const joined = new Set<unknown>();
  {
    await using _altered = await alterServer({ synchronous_standby_names: "'absent'" });
    await until("eight attempts to join have ended", async () => {
      for (const row of await store.query("SELECT node FROM membrane.lease WHERE renewals = 0"))
        joined.add(row["node"]);
      expect((await waiting()).length).toBeLessThan(8);
      return joined.size >= 8;
    });
    expect(engine.position()).toBeUndefined();
  }
  await until("the node has a lease again", async () => {
    await engine.refresh().catch(() => undefined);
    return engine.position() !== undefined;
  });
});
