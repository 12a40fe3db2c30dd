import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";
import { openNodeEngine, useConnection } from "./postgres-engine.ts";
import type { PostgresInstance } from "./postgres-instance.ts";
import type { TestStore } from "./store.ts";
import { openTestStore } from "./store.ts";

/**
 * Makes a database on a server, whose sessions are not durable unless a client says otherwise, as an operator may have set it.
 *
 * @returns how to connect to it.
 */
export async function createDatabase(
  instance: PostgresInstance,
  name = "membrane",
): Promise<ConnectionConfig> {
  await useConnection(instance.config(), async (connection) => {
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.query(`ALTER DATABASE ${name} SET synchronous_commit TO off`);
  });
  return instance.config(name);
}

/** Opens a store in a database on a server of the test, and makes its first tenant there. */
export function openStoreIn(connection: ConnectionConfig, writeTimeoutMs = 10_000): Promise<TestStore> {
  return openTestStore({}, "postgres", Date.now, (options) =>
    openNodeEngine(connection, { ...options, writeTimeoutMs }),
  );
}
