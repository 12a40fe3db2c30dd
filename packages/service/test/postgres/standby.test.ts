import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createDatabase, openStoreIn } from "../../../testkit/src/instance-store.ts";
import { openNodeEngine, useConnection } from "../../../testkit/src/postgres-engine.ts";
import type { PostgresInstance } from "../../../testkit/src/postgres-instance.ts";
import { startPostgres } from "../../../testkit/src/postgres-instance.ts";
import type { TestMembrane, TestStore } from "../../../testkit/src/store.ts";
import { DEFAULT_LIMITS } from "../../src/service-limits.ts";
import { createServiceKeys } from "../../src/store/keys.ts";
import type { ServiceKeys } from "../../src/store/keys.ts";
import { createStore } from "../../src/store/operations/create-store.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreBusyError, StoreFormatError } from "../../src/store/store.ts";

/** A primary with a standby, without which it acknowledges no commit. */
async function startPair() {
  const primary = await startPostgres();
  const standby = await primary.startStandby("standby");
  await primary.configure({ synchronous_standby_names: "standby" });
  await primary.reload();
  await until(primary, "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'");
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
async function until(
  instance: PostgresInstance,
  query: string,
  isOver: () => boolean = () => false,
): Promise<void> {
  await useConnection(instance.config(), async (connection) => {
    while (!isOver() && (await connection.query(query)).length === 0);
  });
}

const WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/** Opens the store on another node. */
async function openNode(
  connection: ReturnType<PostgresInstance["config"]>,
  keys: ServiceKeys,
): Promise<Store> {
  const engine = await openNodeEngine(connection, { keys, writeTimeoutMs: 10_000 });
  return createStore(engine, DEFAULT_LIMITS, Date.now);
}

const isAlive = async (store: Store, { export: { lookupId } }: TestMembrane): Promise<boolean> =>
  (await store.find(lookupId))?.verdict.ok === true;

const makeMembranes = (at: TestStore, count: number): Promise<TestMembrane[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => at.membrane(`m${index}`)));

test("a node does not start with a standby, and says so", async () => {
  await using pair = await startPair();
  const config = await createDatabase(pair.primary);
  await until(pair.standby, "SELECT FROM pg_database WHERE datname = 'membrane'");
  const onStandby = { ...config, port: pair.standby.port };
  const opened = openNodeEngine(onStandby, {
    keys: createServiceKeys(randomBytes(32)),
    writeTimeoutMs: 10_000,
  });
  await expect(opened).rejects.toThrow(
    new StoreFormatError("the server is a standby, which cannot write: name the primary"),
  );
});

test("a revoke is acknowledged when the synchronous standby has it, and not before", async () => {
  await using pair = await startPair();
  await using at = await openStoreIn(await createDatabase(pair.primary));
  const [membrane] = await makeMembranes(at, 1);
  await pair.standby.stop("immediate");
  const outcome = { isSettled: false };
  const revoked = at.store.revoke(membrane!.record.uid, "operator").finally(() => (outcome.isSettled = true));
  await until(pair.primary, WAITING, () => outcome.isSettled);
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
  while (revoked.length < 10) await new Promise(setImmediate);
  // What the standby does not receive from here on is lost.
  await pair.standby.stop("immediate");
  load(20, 40);
  await until(pair.primary, WAITING, () => revoked.length === membranes.length);
  await pair.primary.stop("immediate");
  await pair.standby.start();
  await pair.standby.promote();
  await Promise.all(writes);
  const node = await openNode({ ...config, port: pair.standby.port }, at.keys);
  for (const membrane of revoked) expect(await isAlive(node, membrane)).toBe(false);
  for (const membrane of created) expect(await isAlive(node, membrane)).toBe(true);
  await node.close();
});
