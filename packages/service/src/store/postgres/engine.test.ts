import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  databaseOf,
  openTestPostgresEngine,
  useConnection,
} from "../../../../testkit/src/postgres-engine.ts";
import { openPostgresStore } from "../../../../testkit/src/postgres-nodes.ts";
import { temporaryDirectory } from "../../../../testkit/src/temporary-directory.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import { createServiceKeys } from "../keys.ts";
import { StoreFormatError } from "../store.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

const OPTIONS = { writeTimeoutMs: 10_000, reserveBytes: 0 };

test("nodes that start at once on an empty database make one schema and one store", async () => {
  await using directory = await temporaryDirectory();
  const keys = createServiceKeys(randomBytes(32));
  const open = () => openTestPostgresEngine({ ...OPTIONS, directory: join(directory.path, "store"), keys });
  await databaseOf(join(directory.path, "store"));
  const engines = await Promise.all([open(), open(), open(), open()]);
  expect(new Set(engines.map(({ id }) => id)).size).toBe(1);
  const applied = await useConnection(await databaseOf(join(directory.path, "store")), (connection) =>
    connection.query("SELECT version FROM membrane.migration"),
  );
  expect(applied).toEqual(MIGRATIONS.map((_, index) => ({ version: index + 1 })));
  await Promise.all(engines.map((engine) => engine.close()));
});

test("a start waits for a node that changes the schema, longer than a write may take", async () => {
  await using directory = await temporaryDirectory();
  const at = join(directory.path, "store");
  const options = {
    ...OPTIONS,
    writeTimeoutMs: DEFAULT_LIMITS.storeWriteTimeoutMs,
    directory: at,
    keys: createServiceKeys(randomBytes(32)),
  };
  await useConnection(await databaseOf(at), async (connection) => {
    const lock = "SELECT pg_advisory_xact_lock(7882826992375131749)";
    const starting = await connection.transaction(async () => {
      await connection.query(lock);
      const start = openTestPostgresEngine(options);
      start.catch(() => undefined);
      const waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
      await expect.poll(() => connection.query(waiting)).toHaveLength(1);
      await setTimeout(2 * options.writeTimeoutMs);
      return { start };
    });
    await (await starting.start).close();
  });
});

test("a failed migration leaves nothing behind, and the next start makes it whole", async () => {
  await using directory = await temporaryDirectory();
  const config = await databaseOf(join(directory.path, "store"));
  const broken = [...MIGRATIONS, ["CREATE TABLE membrane.later (x int)", "SELECT no_such_column"]];
  await useConnection(config, async (connection) => {
    await expect(migrate(connection, broken)).rejects.toThrow("no_such_column");
    const [schema] = await connection.query("SELECT to_regnamespace('membrane') IS NULL AS is_gone");
    expect(schema).toEqual({ is_gone: true });
    await migrate(connection, MIGRATIONS);
    await migrate(connection, [...MIGRATIONS, ["CREATE TABLE membrane.later (x int)"]]);
    expect(await connection.query("SELECT version FROM membrane.migration ORDER BY version")).toHaveLength(
      MIGRATIONS.length + 1,
    );
  });
});

test("a schema of a newer program is refused, and so is a node with another service key", async () => {
  await using store = await openPostgresStore();
  const directory = join(store.at.directory, "store");
  const otherKey = { ...OPTIONS, directory, keys: createServiceKeys(randomBytes(32)) };
  await expect(openTestPostgresEngine(otherKey)).rejects.toThrow(StoreFormatError);
  await expect(openTestPostgresEngine(otherKey)).rejects.toThrow("the service key is not the one");
  await store.query("INSERT INTO membrane.migration (version) VALUES (99)");
  const later = openTestPostgresEngine({ ...OPTIONS, directory, keys: store.at.keys });
  await expect(later).rejects.toThrow("the store has schema 99");
});
