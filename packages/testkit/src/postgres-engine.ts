import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import type { OpenEngine } from "../../service/src/commands/directory-place.ts";
import type { Engine } from "../../service/src/store/engine.ts";
import type { LeaseTimes } from "../../service/src/store/lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES } from "../../service/src/store/lease/lease-times.ts";
import type { ConnectionConfig } from "../../service/src/store/postgres/config/connection-config.ts";
import type { Connection } from "../../service/src/store/postgres/connection.ts";
import { openConnection } from "../../service/src/store/postgres/connection.ts";
import type { PostgresEngineOptions } from "../../service/src/store/postgres/engine.ts";
import { openPostgresEngine } from "../../service/src/store/postgres/engine.ts";
import { connectionOfNode, connectionTo, postgresServer } from "./postgres-server.ts";
import { until } from "./until.ts";

/** Opens the engine over a database of the directory's name, which is made if it is not there. */
export const openTestPostgresEngine: OpenEngine = async (options) =>
  openNodeEngine(await databaseOf(options.directory), options);

/**
 * Leases of tests: a reply may be late on a machine that runs many of them, and a revoke that waits for a node that was killed still
 * ends within the time of a write.
 */
export const TEST_LEASE_TIMES: LeaseTimes = {
  ...DEFAULT_LEASE_TIMES,
  leaseMs: 1_800,
  leaseMarginMs: 90,
  leaseReplyTimeoutMs: 1_000,
  leaseConnectTimeoutMs: 5_000,
};

export interface NodeEngineOptions extends Pick<
  PostgresEngineOptions,
  "keys" | "writeTimeoutMs" | "startTimeoutMs" | "report" | "onRecordTooNew" | "onRevocationsLost"
> {
  /** Default: {@link TEST_LEASE_TIMES}; the other nodes of the database must have as long leases. */
  readonly times?: LeaseTimes;
}

/** Opens the engine of one more node. */
export async function openNodeEngine(
  connection: ConnectionConfig,
  { times = TEST_LEASE_TIMES, ...options }: NodeEngineOptions,
): Promise<Engine> {
  return openPostgresEngine({
    ...options,
    connection: await connectionOfNode(connection),
    readTimeoutMs: options.writeTimeoutMs,
    role: { serves: true, times },
  });
}

/** The database of a store's directory. */
export async function databaseOf(directory: string): Promise<ConnectionConfig> {
  const digest = createHash("sha256").update(directory).digest("hex").slice(0, 8);
  const name = `${basename(dirname(directory))}_${digest}`.toLowerCase().replaceAll(/[^a-z0-9]/g, "_");
  await useConnection(await connectionTo("postgres"), async (connection) => {
    const [row] = await connection.query("SELECT FROM pg_database WHERE datname = $1", [name]);
    if (row === undefined) await connection.query(`CREATE DATABASE ${name}`);
  });
  return connectionTo(name);
}

/** The folders of a store's database and of the server's write-ahead log, with all that was written until now. */
export async function databaseFiles(directory: string): Promise<readonly string[]> {
  const { directory: server } = await postgresServer();
  const [row] = await useConnection(await databaseOf(directory), async (connection) => {
    await connection.query("CHECKPOINT");
    return connection.query("SELECT oid::text FROM pg_database WHERE datname = current_database()");
  });
  return [join(server, "base", String(row?.["oid"])), join(server, "pg_wal")];
}

/**
 * Changes settings of the whole server, which all tests of a process share, until it is disposed of.
 *
 * @param settings of those that need no restart, with their values as SQL.
 */
export async function alterServer(settings: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
  const config = await connectionTo("postgres");
  const loadedAt = async (): Promise<string> => {
    const [row] = await useConnection(config, (connection) =>
      connection.query("SELECT pg_conf_load_time()::text AS time"),
    );
    return String(row?.["time"]);
  };
  const alter = async (changes: readonly string[]): Promise<void> => {
    const before = await loadedAt();
    await useConnection(config, async (connection) => {
      for (const change of changes) await connection.query(`ALTER SYSTEM ${change}`);
      await connection.query("SELECT pg_reload_conf()");
    });
    // New connections have the settings that the server has loaded.
    await until("the server has loaded its settings", async () => (await loadedAt()) !== before);
  };
  await alter(Object.entries(settings).map(([name, value]) => `SET ${name} TO ${value}`));
  return {
    [Symbol.asyncDispose]: () => alter(Object.keys(settings).map((name) => `RESET ${name}`)),
  };
}

/** A database is made or removed after a checkpoint, which takes long on a busy disk. */
const TRANSACTION_TIMEOUT_MS = 100_000;

export async function useConnection<T>(
  config: ConnectionConfig,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = openConnection(config, TRANSACTION_TIMEOUT_MS);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
