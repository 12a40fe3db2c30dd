import { decodeRow } from "../codec/authenticated-row.ts";
import type { ServiceKeys } from "../keys.ts";

/**
 * The tables that a move copies, by the names that the MACs of their rows cover. The format row is written anew, and so is the
 * revocation log: no position in the old one may count as known in the new one.
 */
export const MOVED_TABLES = ["nodes", "lookups", "names", "children", "counts", "sweep", "audit"] as const;

export type MovedTable = (typeof MOVED_TABLES)[number];

/** A row with its MAC. Its bytes are the same in every engine, so that a copy needs neither a token nor another MAC. */
export interface StoredRow {
  readonly key: Buffer;
  readonly body: Buffer;
}

/** A row whose MAC was verified. */
export interface VerifiedRow extends StoredRow {
  readonly columns: readonly Buffer[];
}

/** The rows of one place. */
export interface StoredRows {
  /** All rows of a table in the order of their keys, in pages of a bounded size. */
  pages(table: MovedTable): AsyncGenerator<readonly StoredRow[], void>;
}

/** @throws StoreCorruptError that names the table, if the row is not what was written. */
export function verifyRow(
  table: MovedTable,
  row: StoredRow,
  keys: Pick<ServiceKeys, "verifyRowMac">,
): VerifiedRow {
  return { ...row, columns: decodeRow(table, row.key, row.body, keys) };
}
