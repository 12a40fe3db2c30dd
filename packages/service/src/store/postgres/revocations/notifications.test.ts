import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { openStoreIn } from "../../../../../testkit/src/instance-store.ts";
import { useConnection } from "../../../../../testkit/src/postgres-engine.ts";
import { startRestartablePostgres } from "../../../../../testkit/src/restartable-postgres.ts";
import { superuserConnection } from "../../../../../testkit/src/superuser-connection.ts";
import { until } from "../../../../../testkit/src/until.ts";
import { openConnection } from "../connection.ts";

test("a revoke is acknowledged, and learnt by the next renewal, while another program has filled the queue of notifications", async () => {
  await using server = await startRestartablePostgres();
  const other = superuserConnection(server);
  await useConnection(other, (connection) =>
    connection.query("ALTER SYSTEM SET max_notify_queue_pages TO 64"),
  );
  await server.stop();
  await server.start();
  await useConnection(other, (connection) => connection.query("CREATE DATABASE membrane"));
  await using store = await openStoreIn(superuserConnection(server, "membrane"));
  const { record } = await store.membrane("m");
  const from = store.store.position()!;
  // It listens, and takes nothing from the queue as long as its transaction lasts.
  const listener = openConnection(other, 60_000);
  await listener.query("LISTEN jobs");
  await listener.begin();
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
  await listener.close();
});
