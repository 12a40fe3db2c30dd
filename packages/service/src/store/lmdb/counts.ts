import type { Quota } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { bytesKey, countKey } from "../codec/row-keys.ts";
import type { WriteSnapshot } from "../engine.ts";
import type { StoredTree } from "../recount.ts";
import { recountBytes, recountOwned } from "../recount.ts";
import { StoreCorruptError } from "../store.ts";
import type { KeyedTable } from "./buffered-table.ts";

/**
 * How many records count against each quota, and how many bytes each owner takes: one row each, so that nothing is counted anew
 * when a record is created. A row that is missing or damaged is counted: no revoke and no sweep may fail for a count.
 */
export interface Counts extends Pick<WriteSnapshot, "countOwned" | "storedBytes"> {
  addToCount(quota: Quota, by: number): void;
  dropCount(quota: Quota): void;
  addStoredBytes(owner: Uid, by: number): void;
  dropStoredBytes(owner: Uid): void;
}

export function createCounts(rows: KeyedTable, tree: StoredTree): Counts {
  const read = (key: Buffer): Buffer | undefined => {
    try {
      return rows.get(key)?.[0];
    } catch (error) {
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const readCount = (quota: Quota): number | undefined => read(countKey(quota))?.readUInt32BE();
  const readBytes = (owner: Uid): number | undefined => {
    const bytes = read(bytesKey(owner))?.readBigUInt64BE();
    return bytes === undefined ? undefined : Number(bytes);
  };
  const countOwned = (quota: Quota): number => readCount(quota) ?? recountOwned(quota, tree);
  const storedBytes = (owner: Uid): number => readBytes(owner) ?? recountBytes(owner, tree, readBytes);

  return {
    countOwned,
    storedBytes,
    addToCount(quota, by) {
      const count = by > 0 ? countOwned(quota) : readCount(quota);
      if (count === undefined) return;
      const column = Buffer.alloc(4);
      // A row put back to what it once was passes its MAC; it must not stop a sweep.
      column.writeUInt32BE(Math.max(0, count + by));
      rows.put(countKey(quota), [column]);
    },
    dropCount: (quota) => rows.remove(countKey(quota)),
    addStoredBytes(owner, by) {
      const bytes = by > 0 ? storedBytes(owner) : readBytes(owner);
      if (bytes === undefined) return;
      const column = Buffer.alloc(8);
      column.writeBigUInt64BE(BigInt(Math.max(0, bytes + by)));
      rows.put(bytesKey(owner), [column]);
    },
    dropStoredBytes: (owner) => rows.remove(bytesKey(owner)),
  };
}
