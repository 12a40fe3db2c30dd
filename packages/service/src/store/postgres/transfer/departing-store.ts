import type { Departure } from "../../codec/format-row.ts";
import { keysOfStore } from "../../codec/format-row.ts";
import type { ServiceKeys } from "../../keys.ts";
import { StoreFormatError } from "../../store.ts";
import type { DepartingStore } from "../../transfer/move-store.ts";
import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import { findForeignOwner } from "../foreign-owner.ts";
import { checkServer } from "../server-check.ts";
import { encodeFormat, readFormat } from "../store-format.ts";
import { hasTables } from "../store-presence.ts";
import { useMoveConnection } from "./move-connection.ts";
import { createStoredRows } from "./stored-rows.ts";
import { beginUnserved } from "./unserved-store.ts";

/**
 * A node that was stopped all the while still has its connections and its plans, and reads the format no more. These constraints
 * let it neither renew a lease, nor create a record, nor acknowledge a revoke.
 */
const CLOSED_TABLES = ["lease", "record", "head"];

/**
 * Lets `use` read a store that is to be moved away. Meanwhile no node can write to it, or join it.
 *
 * @throws StoreFormatError if a node serves it, if it was made with another service key, or if a part of it belongs to another user.
 */
export function withDepartingStore<T>(
  config: ConnectionConfig,
  keys: ServiceKeys,
  use: (store: DepartingStore) => Promise<T>,
): Promise<T> {
  return useMoveConnection(config, async (connection) => {
    await checkServer(connection);
    if (!(await hasTables(connection))) throw new StoreFormatError("there is no store");
    // Its tables are closed after the copy, which may take hours, and only their owner may do that.
    const foreign = await findForeignOwner(connection);
    if (foreign !== undefined) throw new StoreFormatError(foreign);
    await migrate(connection, MIGRATIONS);
    await beginUnserved(connection, "SHARE");
    const format = await readFormat(connection, keys);
    if (format === undefined) throw new StoreFormatError("there is no store");
    let isLocked = true;
    return use({
      format,
      pages: createStoredRows(connection, keysOfStore(keys, format)).pages,
      async markDeparture(departure: Departure) {
        if (isLocked) await closeTables(connection);
        else await connection.begin();
        isLocked = false;
        await updateFormat(connection, encodeFormat({ ...format, departure }, keys));
        await connection.commit();
      },
    });
  });
}

async function closeTables(connection: Connection): Promise<void> {
  await connection.query("DELETE FROM membrane.lease");
  for (const table of CLOSED_TABLES) {
    // An earlier attempt may have added it.
    await connection.query(`ALTER TABLE membrane.${table} DROP CONSTRAINT IF EXISTS store_was_moved`);
    await connection.query(
      `ALTER TABLE membrane.${table} ADD CONSTRAINT store_was_moved CHECK (false) NOT VALID`,
    );
  }
}

async function updateFormat(connection: Connection, body: Buffer): Promise<void> {
  await connection.query("UPDATE membrane.meta SET body = $1 WHERE key = 'format'", [body]);
}
