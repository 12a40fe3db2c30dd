import { createHash } from "node:crypto";
import { encodeColumns } from "../codec/columns.ts";
import type { MovedTable, StoredRow } from "./stored-rows.ts";

/** How many rows a table has, and the SHA-256 of all of them in the order of their keys, in hex. */
export interface TableDigest {
  readonly rows: number;
  readonly sha256: string;
}

/** The digest of each table of a place. */
export type TableDigests = ReadonlyMap<MovedTable, TableDigest>;

/** One digest of all tables. */
export function totalDigest(tables: TableDigests): TableDigest {
  const hash = createHash("sha256");
  for (const [table, { rows, sha256 }] of tables) hash.update(`${table} ${rows} ${sha256}\n`);
  const rows = Array.from(tables.values()).reduce((sum, table) => sum + table.rows, 0);
  return { rows, sha256: hash.digest("hex") };
}

/** Counts and digests the rows of a table page by page. */
export interface TableDigester {
  /** How many rows it has had. */
  readonly rows: number;
  add(page: readonly StoredRow[]): void;
  digest(): TableDigest;
}

export function createTableDigester(): TableDigester {
  const hash = createHash("sha256");
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    add(page) {
      // With lengths before them, so that no other list of rows has the same bytes.
      hash.update(encodeColumns(page.flatMap(({ key, body }) => [key, body])));
      rows += page.length;
    },
    digest: () => ({ rows, sha256: hash.digest("hex") }),
  };
}

export function isSameDigest(a: TableDigest, b: TableDigest): boolean {
  return a.rows === b.rows && a.sha256 === b.sha256;
}
