import { askServer } from "./ask-server.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";
import type { Connection } from "./connection.ts";
import { checkServer } from "./server-check.ts";

/** An expression of SQL: whether the tables of a store are there, which is so before and after there is a store in them. */
export const HAS_TABLES = "to_regclass('membrane.meta') IS NOT NULL";

/**
 * Whether a database has a store, made with whatever key. Makes nothing there.
 *
 * @throws StoreFormatError if the server cannot keep one.
 * @throws StoreBusyError if it cannot be reached.
 */
export function hasStore(config: ConnectionConfig): Promise<boolean> {
  return askServer(config, async (connection) => {
    await checkServer(connection);
    if (!(await hasTables(connection))) return false;
    return (await connection.query("SELECT FROM membrane.meta WHERE key = 'format'")).length > 0;
  });
}

/** An expression of SQL: whether the user may make the schema, or the tables in the one that an administrator has created. */
export const MAY_CREATE = `
  CASE WHEN to_regnamespace('membrane') IS NULL
    THEN has_database_privilege(current_database(), 'CREATE')
    ELSE has_schema_privilege('membrane', 'CREATE') END`;

/** Whether the user of the connection may make a store in a database that has none. Tables may be there already. */
export function mayMakeStore(config: ConnectionConfig): Promise<boolean> {
  return askServer(config, async (connection) => {
    const [row] = await connection.query(`SELECT ${HAS_TABLES} OR ${MAY_CREATE} AS may_make`);
    return row?.["may_make"] === true;
  });
}

export async function hasTables(connection: Connection): Promise<boolean> {
  const [row] = await connection.query(`SELECT ${HAS_TABLES} AS is_there`);
  return row?.["is_there"] === true;
}
