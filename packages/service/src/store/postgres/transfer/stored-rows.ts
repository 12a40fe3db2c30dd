import { uidBytes } from "../../../domain/uid.ts";
import { childKey, expiryKey } from "../../codec/row-keys.ts";
import type { ServiceKeys } from "../../keys.ts";
import { StoreCorruptError } from "../../store.ts";
import type { MovedTable, StoredRow, StoredRows } from "../../transfer/stored-rows.ts";
import { verifyRow } from "../../transfer/stored-rows.ts";
import type { Connection } from "../connection.ts";
import { countRefOf, countRowKey } from "../count-ref.ts";
import type { Row } from "../sql-values.ts";
import { bigintOf, bytesOf, uidColumnOf } from "../sql-values.ts";
import { clearColumnsOf } from "./clear-columns.ts";

/**
 * A page has about so many bytes, by what the rows before it had: uids are random, so that the sizes of rows do not depend on their
 * places.
 */
const PAGE_BYTES = 1024 * 1024;
const FIRST_PAGE_ROWS = 50;
const MAX_PAGE_ROWS = 1_000;

/** How the rows of one table of LMDB are read here. */
interface RowQuery {
  /** In the order of their keys there. `clear` is what an index has in clear besides the key. */
  readonly select: string;
  key(row: Row): Buffer;
}

const QUERIES: Readonly<Record<MovedTable, readonly RowQuery[]>> = {
  nodes: [
    {
      select: `SELECT uid, body, concat(
          (SELECT string_agg(encode(uuid_send(d), 'hex'), ',' ORDER BY d) FROM pg_catalog.unnest(depends_on) AS d), ' ',
          encode(uuid_send(name_owner), 'hex'), ' ', encode(name, 'hex')) AS clear
        FROM membrane.record ORDER BY uid`,
      key: (row) => uidBytes(uidColumnOf(row, "uid")),
    },
  ],
  lookups: [
    {
      select:
        "SELECT lookup_id, body, encode(uuid_send(uid), 'hex') AS clear FROM membrane.lookup ORDER BY lookup_id",
      key: (row) => bytesOf(row, "lookup_id"),
    },
  ],
  names: [
    {
      select: `SELECT owner, name, body, encode(uuid_send(holder), 'hex') AS clear
        FROM membrane.name ORDER BY owner, name`,
      key: (row) => Buffer.concat([uidBytes(uidColumnOf(row, "owner")), bytesOf(row, "name")]),
    },
  ],
  children: [
    {
      select: `SELECT uid, ignores_revocation, child, body, '' AS clear
        FROM membrane.child ORDER BY uid, ignores_revocation, child`,
      key: (row) => {
        const ignoresRevocation = row["ignores_revocation"] === true;
        return childKey({ to: uidColumnOf(row, "uid"), ignoresRevocation }, uidColumnOf(row, "child"));
      },
    },
  ],
  counts: [
    {
      select: "SELECT uid, kind, body, kind::text AS clear FROM membrane.count ORDER BY uid, kind",
      key: (row) => countRowKey(countRefOf(uidColumnOf(row, "uid"), Number(row["kind"]))),
    },
  ],
  sweep: [
    {
      select: "SELECT uid, body, is_root::text AS clear FROM membrane.sweep ORDER BY uid",
      key: (row) => uidBytes(uidColumnOf(row, "uid")),
    },
    // In LMDB after all other rows of its table.
    {
      select: "SELECT expires_at, uid, body, '' AS clear FROM membrane.expiry ORDER BY expires_at, uid",
      key: (row) => expiryKey(Number(bigintOf(row, "expires_at")), uidColumnOf(row, "uid")),
    },
  ],
};

/**
 * Reads the rows of a database within its open transaction, and checks that what is in clear next to a row repeats what the row
 * says: the MAC does not cover it, and LMDB has none of it.
 */
export function createStoredRows(connection: Connection, keys: ServiceKeys): StoredRows {
  return {
    async *pages(table) {
      for (const { select, key } of QUERIES[table]) {
        await connection.query(`DECLARE moved NO SCROLL CURSOR FOR ${select}`);
        let pageRows = FIRST_PAGE_ROWS;
        for (;;) {
          const rows = await connection.query(`FETCH ${pageRows} FROM moved`);
          if (rows.length === 0) break;
          const page = rows.map((row) => readRow(table, key(row), row, keys));
          yield page;
          pageRows = nextPageRows(page);
        }
        await connection.query("CLOSE moved");
      }
    },
  };
}

function nextPageRows(page: readonly StoredRow[]): number {
  const bytes = page.reduce((sum, { key, body }) => sum + key.length + body.length, 0);
  return Math.max(1, Math.min(MAX_PAGE_ROWS, Math.floor((PAGE_BYTES * page.length) / bytes)));
}

function readRow(table: MovedTable, key: Buffer, row: Row, keys: ServiceKeys): StoredRow {
  const verified = verifyRow(table, { key, body: bytesOf(row, "body") }, keys);
  if (clearColumnsOf(table, verified) !== row["clear"])
    throw new StoreCorruptError(`a column in clear of table ${table} is not what was written`);
  return verified;
}
