import { ConfigError } from "../config-error.ts";
import { errorCode } from "../error-code.ts";
import type { PostgresConfig } from "../store-config.ts";
import type { ConnectionConfig } from "../store/postgres/config/connection-config.ts";
import { readConnectionFiles } from "../store/postgres/config/connection-files.ts";
import { StoreBusyError } from "../store/store.ts";
import { explainDatabaseError, mayLackRights, mayNotWrite } from "./database-errors.ts";
import type { StorePlace } from "./store-place.ts";
import { isExplained, reportsTo } from "./store-place.ts";

/** A store in a database of PostgreSQL. The driver is loaded when it is used. */
export function databasePlace(postgres: PostgresConfig): StorePlace {
  return {
    name: `the database ${postgres.settings.database}`,
    exists: () =>
      withDatabase(postgres, async (connection) => {
        const { hasStore } = await import("../store/postgres/store-presence.ts");
        return hasStore(connection);
      }),
    checkNew: () =>
      withDatabase(postgres, async (connection) => {
        const { mayMakeStore } = await import("../store/postgres/store-presence.ts");
        if (!(await mayMakeStore(connection)))
          throw new ConfigError(`--store: ${mayNotWrite(postgres.settings)}`);
      }),
    open: ({ keys, serves, log, limits }) =>
      withDatabase(postgres, async (connection) => {
        const { openPostgresEngine } = await import("../store/postgres/engine.ts");
        return openPostgresEngine({
          connection,
          keys,
          writeTimeoutMs: limits.storeWriteTimeoutMs,
          readTimeoutMs: limits.storeReadTimeoutMs,
          role: serves ? { serves, times: postgres.leaseTimes } : { serves },
          onRevocationsLost: log.revocationsLost,
          ...reportsTo(log),
        });
      }),
  };
}

/**
 * Reads the files of the configuration, and uses the connection that they describe.
 *
 * @throws ConfigError that says what to do if the database cannot be used.
 */
export async function withDatabase<T>(
  { settings }: PostgresConfig,
  use: (connection: ConnectionConfig) => Promise<T>,
): Promise<T> {
  const connection = await readConnectionFiles(settings);
  if (!connection.ok) throw new ConfigError(`--store: ${connection.error}`);
  try {
    return await use(connection.value);
  } catch (error) {
    if (isExplained(error) || error instanceof ConfigError) throw error;
    const foreign = mayLackRights(error) ? await askForeignOwner(connection.value) : undefined;
    if (foreign !== undefined) throw new ConfigError(`--store: ${foreign}`, { cause: error });
    throw new ConfigError(`--store: ${explainDatabaseError(settings, error)}`, { cause: error });
  }
}

/** @returns nothing even if the server cannot say it. */
async function askForeignOwner(connection: ConnectionConfig): Promise<string | undefined> {
  const { askServer } = await import("../store/postgres/ask-server.ts");
  const { findForeignOwner } = await import("../store/postgres/foreign-owner.ts");
  return askServer(connection, findForeignOwner).catch(() => undefined);
}

/** The error with which a command on an open store ends: one of its database says what to do. */
export function explainStoreError(
  { postgres }: { readonly postgres?: PostgresConfig },
  error: unknown,
): unknown {
  if (postgres === undefined || !(error instanceof StoreBusyError) || errorCode(error.cause) === undefined)
    return error;
  return new ConfigError(`--store: ${explainDatabaseError(postgres.settings, error)}`, { cause: error });
}
