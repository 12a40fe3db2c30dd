import { storageOwners } from "../../domain/storage-owners.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import type { StoredRecord } from "../record.ts";
import { StoreCorruptError } from "../store.ts";
import { sizeOfRecord } from "./record-size.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";

/** How many bytes each membrane and each tenant takes on disk: one row each. */
export interface StoredBytes {
  of(owner: Uid): number;
  /** Counts a record, before it is there. */
  add(record: StoredRecord): void;
  /** Removes a record from the count while it is still stored; for a membrane, also what is still below it. */
  subtract(record: StoredRecord): void;
  /** Drops the count of an owner that accepts no more records. */
  remove(owner: Uid): void;
}

/** How the bytes of an owner without a row are counted: an older version wrote none. */
export interface RecordTree {
  get(uid: Uid): StoredRecord | undefined;
  /** Uids of all that points to `uid`. */
  children(uid: Uid): Iterable<Uid>;
}

/**
 * When the bytes of an owner are counted anew, at most so many records are read below one membrane, and in all; the others are
 * only counted. Uids are random, so the records that are read have the average size, and no write takes seconds.
 */
const SAMPLE_SIZE = 256;
const MAX_READS = 16_384;

export function createStoredBytes(rows: AuthenticatedTable, tree: RecordTree): StoredBytes {
  const get = (uid: Uid): StoredRecord | undefined => {
    try {
      return tree.get(uid);
    } catch (error) {
      // No revoke and no sweep may fail for a count.
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const read = (owner: Uid): number | undefined => {
    try {
      const bytes = rows.get(keyOf(owner))?.[0]?.readBigUInt64BE();
      return bytes === undefined ? undefined : Number(bytes);
    } catch (error) {
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const write = (owner: Uid, bytes: number): void => {
    const column = Buffer.alloc(8);
    column.writeBigUInt64BE(BigInt(Math.max(0, bytes)));
    rows.put(keyOf(owner), [column]);
  };
  const recount = (owner: Uid, readBudget = { left: MAX_READS }): number => {
    const sample = get(owner)?.type === "tenant" ? MAX_READS : SAMPLE_SIZE;
    let [bytes, sampled, children] = [0, 0, 0];
    for (const uid of tree.children(owner)) {
      children += 1;
      if (sampled === sample || readBudget.left === 0) continue;
      readBudget.left -= 1;
      sampled += 1;
      bytes += bytesBelow(owner, get(uid), readBudget);
    }
    return sampled === 0 ? 0 : Math.round((bytes / sampled) * children);
  };
  const bytesBelow = (owner: Uid, record: StoredRecord | undefined, readBudget: { left: number }): number => {
    if (record === undefined) return 0;
    const { membrane, tenant } = storageOwners(record, get);
    if ((membrane ?? tenant) !== owner) return 0;
    const below = record.type === "membrane" ? (read(record.uid) ?? recount(record.uid, readBudget)) : 0;
    return sizeOfRecord(record) + below;
  };
  const of = (owner: Uid): number => read(owner) ?? recount(owner);
  const remove = (owner: Uid): void => rows.remove(keyOf(owner));

  return {
    of,
    add(record) {
      const size = sizeOfRecord(record);
      for (const owner of Object.values(storageOwners(record, get))) write(owner, of(owner) + size);
    },
    subtract(record) {
      const size = sizeOfRecord(record) + (record.type === "membrane" ? of(record.uid) : 0);
      for (const owner of Object.values(storageOwners(record, get))) {
        const bytes = read(owner);
        if (bytes !== undefined) write(owner, bytes - size);
      }
      if (record.type === "membrane") remove(record.uid);
    },
    remove,
  };
}

/** The same table holds the counts of records, whose keys have no suffix, or 1. */
function keyOf(owner: Uid): Buffer {
  return Buffer.concat([uidBytes(owner), BYTES_SUFFIX]);
}

const BYTES_SUFFIX = Buffer.from([2]);
