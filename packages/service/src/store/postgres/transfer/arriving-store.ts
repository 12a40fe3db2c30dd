import type { StoreFormat } from "../../codec/format-row.ts";
import { keysOfStore } from "../../codec/format-row.ts";
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

const FILLED_TABLES = ["record", "lookup", "name", "child", "count", "sweep", "expiry", "audit"];

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
      pages: createStoredRows(connection, keysOfStore(keys, format)).pages,
      async put(table, rows) {
        const statements = applyStatements(insertsOf(table, rows), "create");
        await Promise.all(statements.map(({ text, parameters }) => connection.query(text, parameters)));
      },
      // Without statistics a node would read whole tables until the server makes them.
      async prepare() {
        await connection.query(`ANALYZE ${qualified(FILLED_TABLES)}`);
      },
      commit: () => connection.commit(),
    });
  });
}

/**
 * Lets nodes open the copy that a move has reserved. Changes nothing if they may.
 *
 * @throws PlaceTakenError if it is not there.
 */
export function releaseStore(config: ConnectionConfig, keys: ServiceKeys, move: string): Promise<void> {
  return useMoveConnection(config, async (connection) => {
    const present = await readFormat(connection, keys);
    if (present?.arrival !== move) throw new PlaceTakenError();
    const { isReserved, ...released } = present;
    if (isReserved !== true) return;
    await connection.transaction(() =>
      connection.query("UPDATE membrane.meta SET body = $1 WHERE key = 'format' AND body = $2", [
        encodeFormat(released, keys),
        encodeFormat(present, keys),
      ]),
    );
  });
}

/**
 * Removes a copy that is reserved.
 *
 * @throws PlaceTakenError if it is not there, or a move makes one.
 */
export function discardStore(config: ConnectionConfig, keys: ServiceKeys, copy: StoreFormat): Promise<void> {
  return useMoveConnection(config, (connection) =>
    connection.transaction(async () => {
      await takeMoveLock(connection);
      const deleted = await connection.query(
        "DELETE FROM membrane.meta WHERE key = 'format' AND body = $1 RETURNING key",
        [encodeFormat(copy, keys)],
      );
      if (deleted.length === 0) throw new PlaceTakenError();
      await connection.query(`TRUNCATE ${qualified(FILLED_TABLES)}`);
    }),
  );
}

/** Frees the space that an attempt has left which was ended. */
async function vacuum(connection: Connection): Promise<void> {
  for (const table of FILLED_TABLES) await connection.query(`VACUUM membrane.${table}`);
}

/** @throws PlaceTakenError if there is a store by now, or if another move makes one. */
async function reserve(connection: Connection, format: Buffer): Promise<void> {
  await takeMoveLock(connection);
  const inserted = await connection.query(
    "INSERT INTO membrane.meta (key, body) VALUES ('format', $1) ON CONFLICT (key) DO NOTHING RETURNING key",
    [format],
  );
  const used = FILLED_TABLES.map((table) => `EXISTS (SELECT FROM membrane.${table})`).join(" OR ");
  const [rows] = await connection.query(`SELECT ${used} AS is_used`);
  if (inserted.length === 0 || rows?.["is_used"] !== false) throw new PlaceTakenError();
}

/** @throws PlaceTakenError if another move has it. */
async function takeMoveLock(connection: Connection): Promise<void> {
  const [lock] = await connection.query(`SELECT ${MOVE_LOCK} AS is_free`);
  if (lock?.["is_free"] !== true) throw new PlaceTakenError("another move makes a store there now");
}

function qualified(tables: readonly string[]): string {
  return tables.map((table) => `membrane.${table}`).join(", ");
}
