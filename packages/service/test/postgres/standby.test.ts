import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createDatabase, openStoreIn } from "../../../testkit/src/instance-store.ts";
import { openNodeEngine, useConnection } from "../../../testkit/src/postgres-engine.ts";
import type { Node } from "../../../testkit/src/postgres-nodes.ts";
import type { PostgresInstance } from "../../../testkit/src/postgres-instance.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import type { TestMembrane, TestStore } from "../../../testkit/src/store.ts";
import { until } from "../../../testkit/src/until.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";
import type { Connection } from "../../src/store/postgres/connection.ts";
import { openConnection } from "../../src/store/postgres/connection.ts";
import { useOnce } from "../../src/store/postgres/deadline.ts";
import { drivePoller } from "../../src/store/postgres/revocations/poller-driver.ts";
import { DEFAULT_LEASE_TIMES, withLeaseMs } from "../../src/store/lease/lease-times.ts";
import { createServiceKeys } from "../../src/store/keys.ts";
import type { ServiceKeys } from "../../src/store/keys.ts";
import { createStore } from "../../src/store/operations/create-store.ts";
import type { Position } from "../../src/store/revocation-source.ts";
import { StoreBusyError, StoreFormatError } from "../../src/store/store.ts";

/** A primary with a standby; if that is synchronous, the primary acknowledges no commit without it. */
async function startPair(kind: "sync" | "async" = "sync") {
  const primary = await startPostgres();
  const standby = await primary.startStandby("standby");
  if (kind === "sync") await primary.configure({ synchronous_standby_names: "standby" });
  await primary.reload();
  await untilRows(primary, `SELECT FROM pg_stat_replication WHERE sync_state = '${kind}'`);
  return {
    primary,
    standby,
    async [Symbol.asyncDispose]() {
      await standby[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
}

/** Waits until a query has rows, or until `isOver`. */
async function untilRows(
  instance: PostgresInstance,
  query: string,
  isOver: () => boolean = () => false,
): Promise<void> {
  await useConnection(instance.config(), (connection) =>
    until(query, async () => isOver() || (await connection.query(query)).length > 0),
  );
}

const WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/** Opens the store on another node. */
async function openNode(
  connection: ConnectionConfig,
  keys: ServiceKeys,
  onRevocationsLost: (applied: Position) => void = () => undefined,
): Promise<Node> {
  const engine = await openNodeEngine(connection, { keys, writeTimeoutMs: 10_000, onRevocationsLost });
  const store = createStore(engine, DEFAULT_LIMITS, Date.now);
  return { engine, store, [Symbol.asyncDispose]: store.close };
}

const isAlive = async (
  { store }: Pick<Node, "store">,
  { export: { lookupId } }: TestMembrane,
): Promise<boolean> => (await store.find(lookupId))?.verdict.ok === true;

const makeMembranes = (at: TestStore, count: number): Promise<TestMembrane[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => at.membrane(`m${index}`)));

test("a node does not start with a standby, and says so", async () => {
  await using pair = await startPair();
  const config = await createDatabase(pair.primary);
  await untilRows(pair.standby, "SELECT FROM pg_database WHERE datname = 'membrane'");
  const onStandby = { ...config, port: pair.standby.port };
  const opened = openNodeEngine(onStandby, {
    keys: createServiceKeys(randomBytes(32)),
    writeTimeoutMs: 10_000,
  });
  await expect(opened).rejects.toThrow(
    new StoreFormatError("the server is a standby, which cannot write: name the primary"),
  );
});

test("a write that reaches a standby, as during a failover, says that it is one, behind a pooler too", async () => {
  await using pair = await startPair("async");
  const refusal = new StoreBusyError("the server is a standby, which cannot write: name the primary (25006)");
  for (const isPooled of [false, true]) {
    const onStandby = () => openConnection(pair.standby.config(), 10_000, { isPooled });
    const writes: ((connection: Connection) => Promise<unknown>)[] = [
      // As a write sends them.
      (connection) => Promise.all([connection.begin(), connection.query("SELECT $1::int", [1])]),
      (connection) => connection.transaction(() => Promise.resolve()),
      (connection) => connection.execute("CREATE TABLE public.t (x int)", []),
    ];
    for (const write of writes) await expect(useOnce(onStandby, 10_000, write)).rejects.toThrow(refusal);
  }
});

test("a standby, which may lack the rows of nodes, acknowledges no revoke", async () => {
  await using pair = await startPair("async");
  const config = await createDatabase(pair.primary);
  await (await openStoreIn(config)).store.close();
  await untilRows(pair.primary, "SELECT FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()");
  const acknowledgedBy = async ({ port }: PostgresInstance, waitMs: number): Promise<void> => {
    const open = (): Connection => openConnection({ ...config, port }, 10_000);
    const poller = drivePoller(open, withLeaseMs(DEFAULT_LEASE_TIMES, 60_000), waitMs, () =>
      performance.now(),
    );
    await poller.wait(1n).finally(poller.close);
  };
  await acknowledgedBy(pair.primary, 10_000);
  await expect(acknowledgedBy(pair.standby, 500)).rejects.toThrow(StoreBusyError);
});

test("a revoke is acknowledged when the synchronous standby has it, and not before", async () => {
  await using pair = await startPair();
  await using at = await openStoreIn(await createDatabase(pair.primary));
  const [membrane] = await makeMembranes(at, 1);
  await pair.standby.stop("immediate");
  const outcome = { isSettled: false };
  const revoked = at.store.revoke(membrane!.record.uid, "operator").finally(() => (outcome.isSettled = true));
  await untilRows(pair.primary, WAITING, () => outcome.isSettled);
  expect(outcome.isSettled).toBe(false);
  await pair.standby.start();
  expect((await revoked).ok).toBe(true);
});

test("after a failover to the synchronous standby under load, everything that was acknowledged is there", async () => {
  await using pair = await startPair();
  const config = await createDatabase(pair.primary);
  await using at = await openStoreIn(config);
  const membranes = await makeMembranes(at, 40);
  const [revoked, created]: [TestMembrane[], TestMembrane[]] = [[], []];
  const writes: Promise<unknown>[] = [];
  const fail = (error: unknown) => expect(error).toBeInstanceOf(StoreBusyError);
  const load = (from: number, to: number): void => {
    for (const [index, membrane] of membranes.slice(from, to).entries())
      writes.push(
        at.store.revoke(membrane.record.uid, "operator").then(() => revoked.push(membrane), fail),
        at.membrane(`later ${from + index}`).then((made) => created.push(made), fail),
      );
  };
  load(0, 20);
  await until("ten revokes are acknowledged", () => revoked.length >= 10);
  // What the standby does not receive from here on is lost.
  await pair.standby.stop("immediate");
  load(20, 40);
  await untilRows(pair.primary, WAITING, () => revoked.length === membranes.length);
  await pair.primary.stop("immediate");
  await pair.standby.start();
  await pair.standby.promote();
  await Promise.all(writes);
  await using node = await openNode({ ...config, port: pair.standby.port }, at.keys);
  for (const membrane of revoked) expect(await isAlive(node, membrane)).toBe(false);
  for (const membrane of created) expect(await isAlive(node, membrane)).toBe(true);
});

test("a node notices after a failover that acknowledged revokes are lost: it raises the alarm, and goes on with what the new primary has", async () => {
  await using pair = await startPair("async");
  const config = await createDatabase(pair.primary);
  await using at = await openStoreIn(config);
  const [kept, lost] = await makeMembranes(at, 2);
  const alarms: Position[] = [];
  const node = await openNode(config, at.keys, (applied) => alarms.push(applied));
  await node.store.revoke(kept!.record.uid, "operator");
  await untilRows(pair.primary, "SELECT FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()");
  await pair.standby.stop("fast");
  await node.store.revoke(lost!.record.uid, "operator");
  await node.engine.refresh();
  const before = node.engine.position()!;
  const { port } = pair.primary;
  await pair.primary.stop("immediate");
  await pair.standby.start(port);
  await pair.standby.promote();
  await until("the alarm", () => alarms.length > 0);
  expect(alarms).toEqual([before]);
  await node.engine.refresh();
  expect(node.engine.revocationsSince(before).uids).toBe("everything");
  expect([await isAlive(node, kept!), await isAlive(node, lost!)]).toEqual([false, true]);
  // The position is the same, and its tag another.
  await node.store.revoke(lost!.record.uid, "operator");
  await node.engine.refresh();
  expect(node.engine.position()).toMatchObject({ sequence: before.sequence });
  expect(node.engine.position()).not.toEqual(before);
  await node.store.close();
});

test("a primary that was not stopped when its synchronous standby was promoted gives its nodes no lease, also not when its waits are cancelled", async () => {
  await using pair = await startPair();
  const config = await createDatabase(pair.primary);
  await using at = await openStoreIn(config);
  const [membrane] = await makeMembranes(at, 1);
  await using old = await openNode(config, at.keys);
  await pair.standby.promote();
  await using node = await openNode({ ...config, port: pair.standby.port }, at.keys);
  await node.store.revoke(membrane!.record.uid, "operator");
  expect(old.engine.position()).toBeUndefined();
  for (let round = 0; round < 5; round += 1) {
    await untilRows(pair.primary, WAITING);
    expect(old.engine.position()).toBeUndefined();
    await useConnection(pair.primary.config(), (connection) =>
      connection.query(`SELECT pg_cancel_backend(pid) FROM (${WAITING}) waiting`),
    );
  }
});
