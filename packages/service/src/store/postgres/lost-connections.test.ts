import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ok } from "capability-protocol";
import { expect, test } from "vitest";
import { databaseOf } from "../../../../testkit/src/postgres-engine.ts";
import { openPostgresStore, makeCounters } from "../../../../testkit/src/postgres-nodes.ts";
import { startRelay } from "../../../../testkit/src/relay.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { until } from "../../../../testkit/src/until.ts";
import { createServiceKeys } from "../keys.ts";
import { StoreBusyError } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";
import { openConnection } from "./connection.ts";
import { openPostgresEngine } from "./engine.ts";

test("a write that waits too long is not acknowledged, and the next one succeeds", async () => {
  await using store = await openPostgresStore();
  const node = await store.openNode({ writeTimeoutMs: 1_000 });
  const [once] = await makeCounters(store.at, [5]);
  await store.during("SELECT FROM membrane.count FOR UPDATE", () =>
    expect(node.store.countUse([once!], NO_OWNER)).rejects.toThrow(StoreBusyError),
  );
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
});

test("connections on which nothing comes back are replaced: as many writes as there are time out, and the next one succeeds", async () => {
  await using store = await openPostgresStore();
  const [once] = await makeCounters(store.at, [5]);
  await using relay = await startRelay(store.config.port);
  const node = await store.openNode({ writeTimeoutMs: 1_000, port: relay.port });
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
  relay.silence();
  const silent = Array.from({ length: 20 }, () => node.store.countUse([once!], NO_OWNER));
  for (const use of silent) await expect(use).rejects.toThrow(StoreBusyError);
  await expect(node.store.find(randomBytes(32))).rejects.toThrow(StoreBusyError);
  relay.speak();
  expect(await node.store.countUse([once!], NO_OWNER)).toEqual(ok(undefined));
  expect(await node.store.find(randomBytes(32))).toBeUndefined();
  // Nor does the end wait for them.
  relay.silence();
  await node.store.close();
});

test("a write whose connection is lost is not acknowledged, what was acknowledged is there, and the node recovers", async () => {
  await using store = await openPostgresStore();
  const { at } = store;
  const acknowledged: string[] = [];
  const errors: unknown[] = [];
  for (let wave = 0; wave < 3; wave += 1) {
    const names = Array.from({ length: 20 }, (_, index) => `m${wave} ${index}`);
    const writes = names.map((name) =>
      at.membrane(name).then(
        () => acknowledged.push(name),
        (error: unknown) => errors.push(error),
      ),
    );
    await store.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await Promise.all(writes);
  }
  expect(errors).not.toEqual([]);
  for (const error of errors) expect(error).toBeInstanceOf(StoreBusyError);
  await expect(at.membrane("after").catch(() => at.membrane("after"))).resolves.toBeDefined();
  const { membranes } = await at.store.membranes(at.tenant.uid, { limit: 100 });
  const stored = new Set(membranes.map(({ name }) => name));
  expect(acknowledged.filter((name) => !stored.has(name))).toEqual([]);
});

test("a client that stops between the two parts of a statement loses its locks, and can use another connection", async () => {
  await using store = await openPostgresStore();
  const { config, query } = store;
  // Before PostgreSQL 17 only the end of the client's process or machine does that.
  const hasTimeout = (await query("SELECT FROM pg_settings WHERE name = 'transaction_timeout'")).length > 0;
  await query("CREATE TABLE public.locked (n int)");
  await query("INSERT INTO public.locked VALUES (1)");
  await using relay = await startRelay(config.port);
  const stopped = openConnection({ ...config, port: relay.port }, 1_000);
  await stopped.begin();
  await stopped.query("SELECT n FROM public.locked FOR UPDATE");
  const held = relay.holdReplies();
  const update = stopped.query("UPDATE public.locked SET n = $1", [2]).then(
    () => undefined,
    (error: unknown) => error,
  );
  const others =
    "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'UPDATE%'";
  await until("the server has the first part", async () => (await query(others)).length > 0);
  if (!hasTimeout) {
    expect(await query(others)).toEqual([{ state: "active" }]);
    stopped.destroy();
  }
  const other = openConnection(config, 10_000);
  await other.transaction(() => other.query("UPDATE public.locked SET n = 3"));
  await other.close();
  held.pass();
  expect(await update).toBeInstanceOf(Error);
  expect(await query("SELECT n FROM public.locked")).toEqual([{ n: 3 }]);
});

test("a server that is not there is no response in time, and neither its address nor a password is in the error", async () => {
  await using directory = await temporaryDirectory();
  const config = await databaseOf(join(directory.path, "store"));
  const opened = openPostgresEngine({
    connection: { ...config, port: 1, password: "canary" },
    keys: createServiceKeys(randomBytes(32)),
    writeTimeoutMs: 1_000,
    readTimeoutMs: 1_000,
    role: { serves: false },
  });
  await expect(opened).rejects.toThrow(new StoreBusyError("the store was not reached (ECONNREFUSED)"));
});
