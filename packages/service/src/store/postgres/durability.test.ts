import { join } from "node:path";
import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { alterServer, databaseOf, useConnection } from "../../../../testkit/src/postgres-engine.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { startRelay } from "../../../../testkit/src/relay.ts";
import { startRestartablePostgres } from "../../../../testkit/src/restartable-postgres.ts";
import { superuserConnection } from "../../../../testkit/src/superuser-connection.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { until } from "../../../../testkit/src/until.ts";
import { StoreBusyError, StoreFailedError } from "../store.ts";
import { openConnection } from "./connection.ts";

test("a server that could lose what it acknowledged is refused", async () => {
  for (const setting of ["fsync", "full_page_writes"]) {
    await using store = await openPostgresStore();
    await using _altered = await alterServer({ [setting]: "off" });
    await expect(store.openNode()).rejects.toThrow(`the server has ${setting} off`);
  }
});

test("a commit that the server does not confirm as durable is not acknowledged", async () => {
  await using store = await openPostgresStore();
  const { at, query } = store;
  // A renewal of the lease may wait, too.
  const waiting =
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep' AND query = 'COMMIT'";
  await using _altered = await alterServer({ synchronous_standby_names: "'absent'" });
  let tries = 0;
  await until("a commit waits for a standby", async () => {
    tries += 1;
    const outcome = { settled: false, error: undefined as unknown };
    const write = at
      .membrane(`m${tries}`)
      .catch((error: unknown) => (outcome.error = error))
      .finally(() => (outcome.settled = true));
    let waits: Awaited<ReturnType<typeof query>> = [];
    await until("the commit waits for a standby, or ends", async () => {
      waits = await query(waiting);
      return waits.length > 0 || outcome.settled;
    });
    // The server begins to wait for standbys some time after it has the setting.
    if (waits.length === 0) return false;
    // It commits anyway, and warns.
    for (const { pid } of waits) await query("SELECT pg_cancel_backend($1)", [Number(pid)]);
    await write;
    expect(outcome.error).toBeInstanceOf(StoreFailedError);
    expect(outcome.error).toMatchObject({ message: "the commit had the warning 01000" });
    return true;
  });
});

test("a commit is not acknowledged that the server confirms just before it is stopped, and the store has not failed", async () => {
  await using server = await startRestartablePostgres();
  await using relay = await startRelay(server.port);
  const connection = openConnection(superuserConnection({ ...server, port: relay.port }), 10_000);
  const [row] = await connection.query("SELECT pg_read_file('postmaster.pid') AS lines");
  const pid = Number.parseInt(String(row?.["lines"]), 10);
  await connection.begin();
  await connection.query("CREATE TABLE public.t (x int)");
  // The commit's result and the warning of the server's end are read together.
  const replies = relay.holdReplies();
  const committed = connection.commit();
  await useConnection(superuserConnection(server), async (other) => {
    await until(
      "the commit",
      async () => (await other.query("SELECT FROM pg_class WHERE relname = 't'")).length === 1,
    );
  });
  process.kill(pid, "SIGQUIT");
  await until("the end of the server", () => !isRunning(pid));
  replies.pass();
  await expect(committed).rejects.toThrow(new StoreBusyError("the commit had the warning 57P01"));
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

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
