import { join } from "node:path";
import { expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { useConnection } from "../../../testkit/src/postgres-engine.ts";
import { startRestartablePostgres } from "../../../testkit/src/restartable-postgres.ts";
import { superuserConnection } from "../../../testkit/src/superuser-connection.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { databaseAt } from "../../../testkit/src/test-database.ts";
import { until } from "../../../testkit/src/until.ts";
import { hasCode } from "../../src/error-code.ts";
import type { ConnectionConfig } from "../../src/store/postgres/config/connection-config.ts";
import type { Connection } from "../../src/store/postgres/connection.ts";
import { openConnection } from "../../src/store/postgres/connection.ts";
import { SQLSTATE } from "../../src/store/postgres/sqlstate.ts";

/** Opens connections until the server has none left. */
async function takeAll(config: ConnectionConfig, taken: Connection[]): Promise<void> {
  for (;;) {
    const connection = openConnection(config, 10_000);
    try {
      await connection.query("SELECT");
      taken.push(connection);
    } catch (error) {
      if (hasCode(error, SQLSTATE.tooManyConnections)) return;
      throw error;
    }
  }
}

test("a node that lost its connections and gets none, since other programs have all, is not ready, says why, and serves again by itself", async () => {
  await using server = await startRestartablePostgres();
  const other = superuserConnection(server);
  await useConnection(other, (connection) => connection.query("ALTER SYSTEM SET max_connections TO 20"));
  await server.stop();
  await server.start();
  await useConnection(other, (connection) => connection.query("CREATE DATABASE membrane"));
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const data = join(directory.path, "data");
  await using service = await databaseAt(superuserConnection(server, "membrane"), server.port).startNode(
    data,
  );
  const { create } = await firstTokens(data);
  const membrane = await createMembrane(service, create, "m");
  const token = await exportThrough(service, membrane.export, { uri: target.url });
  const statuses = async () => [
    (await call(service, undefined, { path: "/readyz" })).status,
    (await call(service, token)).status,
  ];
  const events = () => service.logged().filter(({ msg }) => msg?.startsWith("lease"));
  expect(await statuses()).toEqual([200, 200]);

  const taken: Connection[] = [openConnection(other, 10_000)];
  await until("the node has lost its lease", async () => {
    await taken[0]!.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'membrane'",
    );
    await takeAll(other, taken);
    return events().length > 0;
  });
  expect(events()).toMatchObject([{ msg: "lease lost", cause: SQLSTATE.tooManyConnections }]);
  expect(await statuses()).toEqual([503, 503]);
  for (const connection of taken) await connection.close();
  await expect.poll(statuses).toEqual([200, 200]);
  await expect.poll(() => events().map(({ msg }) => msg)).toEqual(["lease lost", "lease regained"]);
  expect(service.logged().filter(({ msg }) => msg === "fault" || msg === "crashed")).toEqual([]);
});
