import type { Tables } from "../../service/src/store/lmdb/schema.ts";

export type TableName = keyof Tables;

export interface RawRecord {
  readonly table: TableName;
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * The tables of a data directory's store without any checks, as an attacker with access to what the engine has stored reads and
 * writes them. The tables of every engine have the names of LMDB's.
 */
export interface RawStore extends AsyncDisposable {
  /** Reads all rows of one snapshot, or those of one table. */
  rows(table?: TableName): Promise<RawRecord[]>;
  /** Writes a row, or removes it (`undefined`), and waits until it is on disk. */
  write(table: TableName, key: Buffer, value: Buffer | undefined): Promise<void>;
}
