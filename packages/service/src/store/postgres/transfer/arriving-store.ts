import type { StoreFormat } from "../../codec/format-row.ts";
import type { ServiceKeys } from "../../keys.ts";
import type { ArrivingStore } from "../../transfer/move-store.ts";
import { PlaceTakenError } from "../../transfer/move-store.ts";
import { applyStatements } from "../apply-statements.ts";
import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import { checkServer } from "../server-check.ts";
import { encodeFormat, readFormat } from "../store-format.ts";
import { insertsOf } from "./row-inserts.ts";
import { useMoveConnection } from "./move-connection.ts";
import { createStoredRows } from "./stored-rows.ts";

/** Of all programs that use the database only this one takes this advisory lock: the first four bytes of "membrane", and 1. */
const MOVE_LOCK = "pg_try_advisory_xact_lock(1835363682, 1)";

const FILLED_TABLES = ["record", "lookup", "name", "child", "count", "sweep", "expiry"];

/** Reads the format of the store in a database, and makes the tables if they are not there. */
export function readStoreFormat(
  config: ConnectionConfig,
  keys: ServiceKeys,
): Promise<StoreFormat | undefined> {
  return useMoveConnection(config, async (connection) => {
    await checkServer(connection);
    await migrate(connection, MIGRATIONS);
    return readFormat(connection, keys);
  });
}

/**
 * Lets `fill` make a store in one transaction, so that it appears whole or not at all, whatever ends this process. A node that
 * starts meanwhile waits for the format row, and gives up.
 */
export function withArrivingStore<T>(
  config: ConnectionConfig,
  format: StoreFormat,
  keys: ServiceKeys,
  fill: (store: ArrivingStore) => Promise<T>,
): Promise<T> {
  return useMoveConnection(config, async (connection) => {
    await vacuum(connection);
    await connection.begin();
    await reserve(connection, encodeFormat(format, keys));
    return fill({
      pages: createStoredRows(connection, keys).pages,
      async put(table, rows) {
        const statements = applyStatements(insertsOf(table, rows), "create");
        await Promise.all(statements.map(({ text, parameters }) => connection.query(text, parameters)));
      },
      // Without statistics a node would read whole tables until the server makes them.
      async prepare() {
        await connection.query(`ANALYZE ${FILLED_TABLES.map((table) => `membrane.${table}`).join(", ")}`);
      },
      commit: () => connection.commit(),
    });
  });
}

/** Frees the space that an attempt has left which was ended. */
async function vacuum(connection: Connection): Promise<void> {
  for (const table of FILLED_TABLES) await connection.query(`VACUUM membrane.${table}`);
}

/** @throws PlaceTakenError if there is a store by now, or if another move makes one. */
async function reserve(connection: Connection, format: Buffer): Promise<void> {
  const [lock] = await connection.query(`SELECT ${MOVE_LOCK} AS is_free`);
  if (lock?.["is_free"] !== true) throw new PlaceTakenError("another move makes a store there now");
  const inserted = await connection.query(
    "INSERT INTO membrane.meta (key, body) VALUES ('format', $1) ON CONFLICT (key) DO NOTHING RETURNING key",
    [format],
  );
  const used = FILLED_TABLES.map((table) => `EXISTS (SELECT FROM membrane.${table})`).join(" OR ");
  const [rows] = await connection.query(`SELECT ${used} AS is_used`);
  if (inserted.length === 0 || rows?.["is_used"] !== false) throw new PlaceTakenError();
}
