import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { openStoreIn } from "../../../../../testkit/src/instance-store.ts";
import { useConnection } from "../../../../../testkit/src/postgres-engine.ts";
import { startRelay } from "../../../../../testkit/src/relay.ts";
import type { RestartablePostgres } from "../../../../../testkit/src/restartable-postgres.ts";
import { startRestartablePostgres } from "../../../../../testkit/src/restartable-postgres.ts";
import { superuserConnection } from "../../../../../testkit/src/superuser-connection.ts";
import { until } from "../../../../../testkit/src/until.ts";
import { openConnection } from "../connection.ts";

/** Makes the queue of notifications small, and a program of another database that lets nothing leave it. */
async function blockSmallQueue(server: RestartablePostgres) {
  const other = superuserConnection(server);
  await useConnection(other, (connection) =>
    connection.query("ALTER SYSTEM SET max_notify_queue_pages TO 64"),
  );
  await server.stop();
  await server.start();
  await useConnection(other, (connection) => connection.query("CREATE DATABASE membrane"));
  // It listens, and takes nothing from the queue as long as its transaction lasts.
  const listener = openConnection(other, 60_000);
  await listener.query("LISTEN jobs");
  await listener.begin();
  return { other, [Symbol.asyncDispose]: listener.close };
}

test("a revoke is acknowledged, and learnt by the next renewal, while another program has filled the queue of notifications", async () => {
  await using server = await startRestartablePostgres();
  await using queue = await blockSmallQueue(server);
  const { other } = queue;
  await using store = await openStoreIn(superuserConnection(server, "membrane"));
  const { record } = await store.membrane("m");
  const from = store.store.position()!;
  const fill = (): Promise<void> =>
    until("the queue is full", async () => {
      await useConnection(other, (connection) =>
        connection.query("SELECT pg_notify('jobs', repeat('x', 7000) || n) FROM generate_series(1, 20) n"),
      );
      return false;
    });
  await expect(fill()).rejects.toThrow("too many notifications in the NOTIFY queue");
  expect(await store.store.revoke(record.uid, "operator")).toEqual(ok(undefined));
  await store.store.refresh();
  expect(store.store.revocationsSince(from).uids).toEqual(new Set([record.uid]));
});

/** So long, two notifications fill a page of the queue. */
const HALF_PAGE = "SELECT pg_notify('jobs', repeat('x', 4074))";

const USAGE = "SELECT pg_notification_queue_usage() AS used";

test("a revoke whose notification warns of a queue that is half full is acknowledged, also if both replies arrive together", async () => {
  await using server = await startRestartablePostgres();
  await using queue = await blockSmallQueue(server);
  const { other } = queue;
  await using relay = await startRelay(server.port);
  await using store = await openStoreIn(superuserConnection({ ...server, port: relay.port }, "membrane"));
  const { record } = await store.membrane("m");
  // The server warns before a page is written, and again only after five seconds: the last one of these fills the half.
  await useConnection(other, async (connection) => {
    for (let page = 0; page < 32; page += 1) {
      await connection.query(HALF_PAGE);
      await connection.query(HALF_PAGE);
    }
    expect(await connection.query(USAGE)).toEqual([{ used: 0.5 }]);
    const committing = relay.hold("COMMIT\0");
    const revoked = store.store.revoke(record.uid, "operator");
    revoked.catch(() => undefined);
    const commit = await committing;
    const replies = relay.holdReplies();
    commit.pass();
    await until("the notification", async () => {
      const notified = "SELECT FROM pg_stat_activity WHERE query LIKE '%NOTIFY membrane' AND state = 'idle'";
      return (await connection.query(notified)).length > 0;
    });
    replies.pass();
    expect(await revoked).toEqual(ok(undefined));
  });
});
