import { uidBytes } from "../../../domain/uid.ts";
import { childKey, expiryKey } from "../../codec/row-keys.ts";
import type { MovedTable } from "../../transfer/stored-rows.ts";
import { countRefOf, countRowKey } from "../count-ref.ts";
import type { Row } from "../sql-values.ts";
import { bigintOf, bytesOf, uidColumnOf } from "../sql-values.ts";
import { auditKeyOf } from "../stored-audit-heads.ts";

/** How rows of a table of LMDB are read here. */
export interface RowQuery {
  /** Of the schema `membrane`. */
  readonly table: string;
  /** The columns of its primary key, by which its rows have the order of their keys in LMDB. */
  readonly columns: string;
  /** What an index has in clear besides the key, as a text. */
  readonly clear: string;
  key(row: Row): Buffer;
}

/** The rows of each table of LMDB, in the order of their keys there. */
export const ROW_QUERIES: Readonly<Record<MovedTable, readonly RowQuery[]>> = {
  nodes: [
    {
      table: "record",
      columns: "uid",
      clear: `concat(
          (SELECT string_agg(encode(uuid_send(d), 'hex'), ',' ORDER BY d) FROM pg_catalog.unnest(depends_on) AS d), ' ',
          encode(uuid_send(name_owner), 'hex'), ' ', encode(name, 'hex'))`,
      key: (row) => uidBytes(uidColumnOf(row, "uid")),
    },
  ],
  lookups: [
    {
      table: "lookup",
      columns: "lookup_id",
      clear: "encode(uuid_send(uid), 'hex')",
      key: (row) => bytesOf(row, "lookup_id"),
    },
  ],
  names: [
    {
      table: "name",
      columns: "owner, name",
      clear: "encode(uuid_send(holder), 'hex')",
      key: (row) => Buffer.concat([uidBytes(uidColumnOf(row, "owner")), bytesOf(row, "name")]),
    },
  ],
  children: [
    {
      table: "child",
      columns: "uid, ignores_revocation, child",
      clear: "''",
      key: (row) => {
        const ignoresRevocation = row["ignores_revocation"] === true;
        return childKey({ to: uidColumnOf(row, "uid"), ignoresRevocation }, uidColumnOf(row, "child"));
      },
    },
  ],
  counts: [
    {
      table: "count",
      columns: "uid, kind",
      clear: "kind::text",
      key: (row) => countRowKey(countRefOf(uidColumnOf(row, "uid"), Number(row["kind"]))),
    },
  ],
  audit: [{ table: "audit", columns: "writer, sequence", clear: "''", key: auditKeyOf }],
  sweep: [
    {
      table: "sweep",
      columns: "uid",
      clear: "is_root::text",
      key: (row) => uidBytes(uidColumnOf(row, "uid")),
    },
    // In LMDB after all other rows of its table.
    {
      table: "expiry",
      columns: "expires_at, uid",
      clear: "''",
      key: (row) => expiryKey(Number(bigintOf(row, "expires_at")), uidColumnOf(row, "uid")),
    },
  ],
};
