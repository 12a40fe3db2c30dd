import type { StoreFormat } from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";

/** How many tokens still need each service key: the lookup ids that it made, by its version. */
export type KeyUsage = ReadonlyMap<number, number>;

/** What became of the rows of a store whose service key was rotated. */
export interface RewrittenRows {
  readonly rows: number;
  /** Rows that were not what was written: they are left as they are, and stay unusable. */
  readonly damaged: number;
}

/**
 * A store that no other process uses, and none can open. Each change is one transaction, which is on disk when it resolves: a process
 * that is killed leaves the store as it was, or as it is to be.
 */
export interface UnusedStore {
  readonly format: StoreFormat;
  countLookups(): Promise<KeyUsage>;
  /**
   * Puts the MACs of all rows under the first key of the new format. Only rows that are what was written get one.
   *
   * @param newest has that key.
   */
  rewrite(next: StoreFormat, newest: ServiceKeys): Promise<RewrittenRows>;
  /** Removes the lookup ids that a key has made: no token leads to these capabilities any more. Their records stay. */
  forget(keyVersion: number, next: StoreFormat): Promise<void>;
}
