import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import {
  openNodeEngine,
  TEST_LEASE_TIMES,
  useConnection,
} from "../../../../../testkit/src/postgres-engine.ts";
import type { Node, PostgresStore } from "../../../../../testkit/src/postgres-nodes.ts";
import { openPostgresStore } from "../../../../../testkit/src/postgres-nodes.ts";
import { startRelay } from "../../../../../testkit/src/relay.ts";
import { until } from "../../../../../testkit/src/until.ts";
import type { Uid } from "../../../domain/uid.ts";
import { withLeaseMs } from "../../lease/lease-times.ts";
import { createStore } from "../../operations/create-store.ts";
import { DEFAULT_LIMITS } from "../../../service-limits.ts";
import type { Position } from "../../revocation-source.ts";
import { StoreBusyError, StoreFormatError } from "../../store.ts";
import type { ConnectionEvents } from "../connection.ts";
import { openConnection } from "../connection.ts";
import { openPostgresEngine } from "../engine.ts";
import { listenToLog } from "./notifications.ts";

/** What a node that has advanced knows to be revoked since `from`; nothing if it does not know. */
function revokedSince(
  { engine }: Pick<Node, "engine">,
  from: Position,
): ReadonlySet<Uid> | "everything" | undefined {
  return engine.position() === undefined ? undefined : engine.revocationsSince(from).uids;
}

async function openNodes(store: PostgresStore, count: number): Promise<Node[]> {
  return Promise.all(Array.from({ length: count }, () => store.openNode()));
}

test("a revoke that is acknowledged on one node is known on all others at that moment, or they pass nothing", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const nodes = await openNodes(store, 2);
  const from = nodes[0]!.engine.position()!;
  const revoked: Uid[] = [];
  for (let round = 0; round < 20; round += 1) {
    const { record } = await at.membrane(`m${round}`);
    revoked.push(record.uid);
    expect(await nodes[round % 2]!.store.revoke(record.uid, "operator")).toEqual(ok(undefined));
    for (const node of nodes) expect([undefined, new Set(revoked)]).toContainEqual(revokedSince(node, from));
  }
  for (const node of nodes) {
    await node.engine.refresh();
    expect(revokedSince(node, from)).toEqual(new Set(revoked));
  }
});

test("a revoke waits for the lease of a dead node, also where a write may take less time", async () => {
  await using store = await openPostgresStore();
  await using relay = await startRelay(store.config.port);
  const { record } = await store.at.membrane("m");
  const node = await store.openNode({ writeTimeoutMs: TEST_LEASE_TIMES.leaseMs / 2 });
  await store.openNode({ port: relay.port });
  relay.silence();
  expect(await node.store.revoke(record.uid, "operator")).toEqual(ok(undefined));
  relay.speak();
});

test("however often the channel is notified, a node reads at most each five milliseconds, and writes no more often", async () => {
  const times = { ...withLeaseMs(TEST_LEASE_TIMES, 200_000), leaseRenewalIntervalMs: 150_000 };
  await using store = await openPostgresStore({}, times);
  const rows = () => store.query("SELECT node, renewals FROM membrane.lease");
  const before = await rows();
  let notified = 0;
  const open = (events: ConnectionEvents) => openConnection(store.config, 60_000, events);
  const notifications = listenToLog(
    open,
    () => (notified += 1),
    () => performance.now(),
  );
  const notify = () => store.query("SELECT pg_notify('membrane', '')");
  await expect.poll(() => notify().then(() => notified), { message: "it listens" }).toBeGreaterThan(0);
  const [begun, earlier] = [performance.now(), notified];
  await store.query(
    `DO $$ BEGIN FOR i IN 1..300 LOOP PERFORM pg_notify('membrane', i::text); COMMIT; END LOOP; END $$`,
  );
  await expect.poll(() => notified).toBeGreaterThan(earlier + 1);
  expect(notified - earlier).toBeLessThan((performance.now() - begun) / 5 + 2);
  expect(await rows()).toEqual(before);
  await notifications.close();
});

test("a node that no reply reaches loses its lease, its row is dropped, and the revoke that waits for it is acknowledged", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  await using relay = await startRelay(store.config.port);
  const { record } = await at.membrane("m");
  const cut = await store.openNode({ port: relay.port });
  const from = cut.engine.position()!;
  const rows = async () => (await query("SELECT node FROM membrane.lease")).length;
  expect(await rows()).toBe(2);
  relay.silence();
  expect(await at.store.revoke(record.uid, "operator")).toEqual(ok(undefined));
  expect(cut.engine.position(), "its lease was renewed before the revoke").toBeUndefined();
  await expect(cut.engine.refresh()).rejects.toThrow("no lease is in force");
  await until("the row of the node that is cut off is dropped", async () => {
    await at.store.revoke(record.uid, "operator");
    return (await rows()) === 1;
  });
  relay.speak();
  await until("the node has a lease again", async () => {
    await cut.engine.refresh().catch(() => undefined);
    return cut.engine.position() !== undefined;
  });
  expect(revokedSince(cut, from)).toEqual(new Set([record.uid]));
});

test("the row of a node that has ended is dropped, however high its count is", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  await query(
    "INSERT INTO membrane.lease (node, renewals, applied) VALUES (gen_random_uuid(), 9223372036854775806, -1)",
  );
  const { record } = await at.membrane("m");
  await until("the row is dropped", async () => {
    await at.store.revoke(record.uid, "operator");
    return (await query("SELECT FROM membrane.lease")).length === 1;
  });
});

test("a process that is paused while a renewal is in flight keeps its row if the reply is there when it wakes", async () => {
  const times = { ...withLeaseMs(TEST_LEASE_TIMES, 6_000), leaseReplyTimeoutMs: 2_000 };
  await using store = await openPostgresStore({}, times);
  const row = () => store.query("SELECT node FROM membrane.lease");
  const before = await row();
  const held = store.query("BEGIN; SELECT FROM membrane.lease FOR UPDATE; SELECT pg_sleep(1); COMMIT");
  await store.waitForLock();
  const end = performance.now() + 2_100;
  while (performance.now() < end);
  await held;
  await store.at.store.refresh();
  expect(await row()).toEqual(before);
});

test("a node that is closed has no lease, and its row is deleted; also if the server has gone, it ends", async () => {
  await using store = await openPostgresStore();
  const { query } = store;
  await using relay = await startRelay(store.config.port);
  const [node, silent] = [await store.openNode(), await store.openNode({ port: relay.port })];
  expect(await query("SELECT FROM membrane.lease")).toHaveLength(3);
  await node.store.close();
  expect(node.engine.position()).toBeUndefined();
  await expect(node.engine.refresh()).rejects.toThrow("the store is closed");
  expect(await query("SELECT FROM membrane.lease")).toHaveLength(2);
  relay.silence();
  await silent.store.close();
  expect(silent.engine.position()).toBeUndefined();
});

test("a node whose last entry the log does not have raises the alarm, knows nothing of what it had decided, and serves again", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const lost: Position[] = [];
  const node = await store.openNode({ onRevocationsLost: (applied) => lost.push(applied) });
  const { record } = await at.membrane("m");
  await node.store.revoke(record.uid, "operator");
  await node.engine.refresh();
  const before = node.engine.position()!;
  // As after a failover that has lost the last commit, and another one in its place.
  await query("UPDATE membrane.log SET tag = gen_random_uuid() WHERE position = 1");
  await query("UPDATE membrane.head SET tag = (SELECT tag FROM membrane.log WHERE position = 1)");
  await until("the alarm", () => lost.length > 0);
  await node.engine.refresh();
  expect(lost).toEqual([before]);
  expect(node.engine.position()).toMatchObject({ sequence: 1n });
  expect(node.engine.position()).not.toEqual(before);
  expect(revokedSince(node, before)).toBe("everything");
});

test("a node with leases of another length is refused while others serve, and all nodes get it when none does", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const times = { ...TEST_LEASE_TIMES, leaseMs: 1_900, leaseMarginMs: 95 };
  await expect(store.openNode({ times })).rejects.toThrow(
    "the nodes of this database have leases of 1800 ms, and this one has 1900 ms: give it the same, or stop all other nodes before it starts",
  );
  await at.store.close();
  // The row of a node that was killed.
  await query("INSERT INTO membrane.lease VALUES ($1, 7, 0)", [at.newUid()]);
  const node = await store.openNode({ times });
  expect(await query("SELECT lease_ms FROM membrane.lease_length")).toEqual([{ lease_ms: 1_900 }]);
  await expect(store.openNode()).rejects.toThrow("have leases of 1900 ms, and this one has 1800 ms");
  await node.store.close();
});

test("a start waits as long for killed nodes as their leases last, also if that is longer than a start may take otherwise", async () => {
  await using store = await openPostgresStore();
  const { at, query, config } = store;
  await at.store.close();
  await query("UPDATE membrane.lease_length SET lease_ms = 4000");
  await query("INSERT INTO membrane.lease VALUES ($1, 7, 0)", [at.newUid()]);
  const engine = await openNodeEngine(config, {
    keys: at.keys,
    writeTimeoutMs: 10_000,
    startTimeoutMs: 3_000,
  });
  expect(engine.position()).toBeDefined();
  await engine.close();
});

test("of two nodes that start at once with a new length of leases, the second one finds that of the first and serves too", async () => {
  await using store = await openPostgresStore();
  await store.at.store.close();
  const times = withLeaseMs(TEST_LEASE_TIMES, 1_900);
  let second: ReturnType<typeof store.openNode> | undefined;
  await useConnection(store.config, (connection) =>
    connection.transaction(async () => {
      await connection.query("SELECT lease_ms FROM membrane.lease_length FOR UPDATE");
      second = store.openNode({ times });
      second.catch(() => undefined);
      await store.waitForLock();
      await connection.query("UPDATE membrane.lease_length SET lease_ms = 1900");
      await connection.query("INSERT INTO membrane.lease VALUES ($1, 7, 0)", [store.at.newUid()]);
    }),
  );
  const node = await second!;
  expect(node.engine.position()).toBeDefined();
  await node.store.close();
});

test("a node that finds leases of another length when it joins again serves no more, and its revokes are not acknowledged", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  const node = await store.openNode();
  const { record } = await at.membrane("m");
  await query("UPDATE membrane.lease_length SET lease_ms = 5000");
  await expect(node.store.revoke(record.uid, "operator")).rejects.toThrow("leases have 5000 ms now");
  await query("DELETE FROM membrane.lease");
  await until("the node has no lease", () => node.engine.position() === undefined);
  await expect(node.engine.refresh()).rejects.toThrow(StoreBusyError);
  expect(node.engine.positionFailure()).toBeInstanceOf(StoreFormatError);
  expect(await query("SELECT FROM membrane.lease")).toEqual([]);
});

test("a node that joins and a revoke that is appended while the length of leases changes wait for the change, and are refused", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const { record } = await at.membrane("m");
  for (const start of [() => store.openNode(), () => at.store.revoke(record.uid, "operator")]) {
    await useConnection(store.config, async (connection) => {
      let refused: Promise<void> | undefined;
      await connection.transaction(async () => {
        await connection.query("UPDATE membrane.lease_length SET lease_ms = 5000");
        refused = expect(start()).rejects.toThrow("5000 ms");
        await store.waitForLock();
      });
      await refused;
      await connection.query("UPDATE membrane.lease_length SET lease_ms = 1800");
    });
  }
});

test("a command of the operator has no lease, and its revokes wait for the nodes that have one", async () => {
  const times = withLeaseMs(TEST_LEASE_TIMES, 60_000);
  await using store = await openPostgresStore({}, times);
  const { at, query, config } = store;
  const from = at.store.position()!;
  const { record } = await at.membrane("m");
  const limits = { writeTimeoutMs: 10_000, readTimeoutMs: 10_000 };
  const engine = await openPostgresEngine({
    connection: config,
    keys: at.keys,
    ...limits,
    role: { serves: false },
  });
  const operator = createStore(engine, DEFAULT_LIMITS, Date.now);
  expect(engine.position()).toBeUndefined();
  expect(await query("SELECT FROM membrane.lease")).toHaveLength(1);
  expect(await operator.revoke(record.uid, "operator")).toEqual(ok(undefined));
  expect(at.store.revocationsSince(from).uids).toEqual(new Set([record.uid]));
  await operator.close();
});

test("rows of nodes that have ended are deleted by any other, also while nothing is revoked", async () => {
  await using store = await openPostgresStore({}, { ...TEST_LEASE_TIMES, leaseCleanupIntervalMs: 100 });
  const { at, query } = store;
  await query("INSERT INTO membrane.lease VALUES ($1, 7, 0), ($2, 0, -1)", [at.newUid(), at.newUid()]);
  await until(
    "the rows of the other nodes are deleted",
    async () => (await query("SELECT FROM membrane.lease")).length === 1,
  );
  await at.store.refresh();
});
