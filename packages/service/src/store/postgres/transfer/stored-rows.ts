import type { ServiceKeys } from "../../keys.ts";
import { StoreCorruptError } from "../../store.ts";
import type { MovedTable, StoredRow, StoredRows } from "../../transfer/stored-rows.ts";
import { verifyRow } from "../../transfer/stored-rows.ts";
import type { Connection } from "../connection.ts";
import type { Row } from "../sql-values.ts";
import { bytesOf } from "../sql-values.ts";
import { clearColumnsOf } from "./clear-columns.ts";
import { fetchPages } from "./fetch-pages.ts";
import { ROW_QUERIES } from "./row-queries.ts";

/**
 * Reads the rows of a database within its open transaction, and checks that what is in clear next to a row repeats what the row
 * says: the MAC does not cover it, and LMDB has none of it.
 */
export function createStoredRows(connection: Connection, keys: ServiceKeys): StoredRows {
  return {
    async *pages(table) {
      for (const { table: name, columns, clear, key } of ROW_QUERIES[table]) {
        const select = `SELECT ${columns}, body, ${clear} AS clear FROM membrane.${name} ORDER BY ${columns}`;
        for await (const rows of fetchPages(connection, select))
          yield rows.map((row) => readRow(table, key(row), row, keys));
      }
    },
  };
}

function readRow(table: MovedTable, key: Buffer, row: Row, keys: ServiceKeys): StoredRow {
  const verified = verifyRow(table, { key, body: bytesOf(row, "body") }, keys);
  if (clearColumnsOf(table, verified) !== row["clear"])
    throw new StoreCorruptError(`a column in clear of table ${table} is not what was written`);
  return verified;
}
