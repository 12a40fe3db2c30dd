import type { StoreStatus } from "../store.ts";
import type { Connection } from "./connection.ts";
import { bigintOf } from "./sql-values.ts";

/** As many entries of the sweep's queue are counted: more would take long, and say no more. */
const MAX_COUNTED_ENTRIES = 10_000;

/** How large the database is, and how much is left to sweep. How much room its server has is not known here. */
export async function collectStatus(connection: Connection): Promise<StoreStatus> {
  const [row] = await connection.query(
    `SELECT (SELECT count(*) FROM (SELECT FROM membrane.sweep LIMIT ${MAX_COUNTED_ENTRIES}) AS entry) AS backlog,
            pg_database_size(current_database()) AS size`,
  );
  if (row === undefined) throw new TypeError("the statement returns one row");
  return { sweepBacklog: Number(bigintOf(row, "backlog")), sizeBytes: Number(bigintOf(row, "size")) };
}
