import { join } from "node:path";
import { uidBytes } from "../../service/src/domain/uid.ts";
import { decodeColumns } from "../../service/src/store/codec/columns.ts";
import { expiryKey } from "../../service/src/store/codec/row-keys.ts";
import { applyStatements } from "../../service/src/store/postgres/apply-statements.ts";
import type { Statement } from "../../service/src/store/postgres/connection.ts";
import { openConnection } from "../../service/src/store/postgres/connection.ts";
import { bigintOf, bytesOf, uidColumnOf } from "../../service/src/store/postgres/sql-values.ts";
import type { Row } from "../../service/src/store/postgres/sql-values.ts";
import { auditKeyOf } from "../../service/src/store/postgres/stored-audit-heads.ts";
import { insertsOf } from "../../service/src/store/postgres/transfer/row-inserts.ts";
import { databaseOf } from "./postgres-engine.ts";
import type { RawRecord, RawStore, TableName } from "./raw-store.ts";

/** A table of the database whose rows are those of a table of LMDB, with the key of each. */
interface MirroredTable {
  readonly table: TableName;
  readonly from: string;
  key(row: Row): Buffer;
}

const TABLES: readonly MirroredTable[] = [
  { table: "meta", from: "meta", key: (row) => Buffer.from(String(row["key"])) },
  { table: "meta", from: "audit", key: auditKeyOf },
  { table: "nodes", from: "record", key: (row) => uid(row, "uid") },
  { table: "lookups", from: "lookup", key: (row) => bytesOf(row, "lookup_id") },
  { table: "names", from: "name", key: (row) => Buffer.concat([uid(row, "owner"), bytesOf(row, "name")]) },
  {
    table: "children",
    from: "child",
    key: (row) =>
      Buffer.concat([
        uid(row, "uid"),
        Buffer.from([row["ignores_revocation"] === true ? 1 : 0]),
        uid(row, "child"),
      ]),
  },
  {
    table: "counts",
    from: "count",
    key: (row) => {
      const kind = Number(row["kind"]);
      return Buffer.concat([uid(row, "uid"), Buffer.from(kind === 0 ? [] : [kind])]);
    },
  },
  { table: "sweep", from: "sweep", key: (row) => uid(row, "uid") },
  {
    table: "sweep",
    from: "expiry",
    key: (row) => expiryKey(Number(bigintOf(row, "expires_at")), uidColumnOf(row, "uid")),
  },
];

/**
 * The rows of a data directory's store in PostgreSQL, as an attacker with access to the database reads and changes them. What is
 * inserted has columns that fit its key and value.
 */
export async function openRawPostgres(data: string): Promise<RawStore> {
  const connection = openConnection(await databaseOf(join(data, "store")), 10_000);
  /** With the place of each row, by which it is changed. */
  const read = async (
    name?: TableName,
  ): Promise<(RawRecord & { readonly from: string; readonly place: string })[]> => {
    const found = [];
    for (const { table, from, key } of TABLES.filter((one) => name === undefined || one.table === name)) {
      const rows = await connection.query(`SELECT *, ctid::text AS place FROM membrane.${from}`);
      for (const row of rows)
        found.push({ table, key: key(row), value: bytesOf(row, "body"), from, place: String(row["place"]) });
    }
    return found;
  };
  return {
    rows: read,
    async write(table, key, value) {
      const row = (await read(table)).find((one) => one.key.equals(key));
      for (const { text, parameters } of row === undefined
        ? insertsOfRow(table, key, value)
        : [changeOfRow(row, value)])
        await connection.query(text, parameters);
    },
    [Symbol.asyncDispose]: connection.close,
  };
}

function changeOfRow(
  { from, place }: { readonly from: string; readonly place: string },
  value: Buffer | undefined,
): Statement {
  return value === undefined
    ? { text: `DELETE FROM membrane.${from} WHERE ctid = $1::tid`, parameters: [place] }
    : { text: `UPDATE membrane.${from} SET body = $2 WHERE ctid = $1::tid`, parameters: [place, value] };
}

function insertsOfRow(table: TableName, key: Buffer, value: Buffer | undefined): readonly Statement[] {
  if (value === undefined) return [];
  if (table === "meta")
    return [
      { text: "INSERT INTO membrane.meta (key, body) VALUES ($1, $2)", parameters: [key.toString(), value] },
    ];
  if (table === "log") throw new Error("the log of a database has no such rows");
  const columns = decodeColumns(value.subarray(0, -MAC_BYTES));
  return applyStatements(insertsOf(table, [{ key, body: value, columns }]), "create");
}

const MAC_BYTES = 32;

function uid(row: Row, name: string): Buffer {
  return uidBytes(uidColumnOf(row, name));
}
