import type { Quota } from "../domain/quota.ts";
import { quotaOf, SERVICE_OWNER } from "../domain/quota.ts";
import { storageOwners } from "../domain/storage-owners.ts";
import type { Uid } from "../domain/uid.ts";
import type { NameEntry, WriteSnapshot } from "./engine.ts";
import type { StoredRecord } from "./record.ts";
import { sizeOfRecord } from "./record-size.ts";
import { skipTooNew, skipUnusable } from "./unusable-records.ts";

/** What counts are made from that an engine does not keep, or that are damaged: a store of an older version has none. */
export interface StoredTree extends Pick<WriteSnapshot, "record" | "holderOf"> {
  namesFrom(owner: Uid | undefined, after: string | undefined): Iterable<NameEntry>;
  /** Uids of what points to `uid`. */
  children(uid: Uid, includesIgnoring: boolean): Iterable<Uid>;
  /** How many there are, with those that ignore a revocation. */
  countChildren(uid: Uid): number;
}

/**
 * When the bytes of an owner are counted anew, at most so many records are read below one membrane, and in all; the others are
 * only counted. Records that were made together have uids at a random place, so those that are read have the average size, and no write takes seconds.
 */
export const SAMPLE_SIZE = 256;
export const MAX_READS = 16_384;

/** How many records count against a quota. */
export function recountOwned(quota: Quota, tree: StoredTree): number {
  let count = 0;
  for (const uid of ownedBy(quota, tree)) if (countsAgainst(quota, uid, tree)) count += 1;
  return count;
}

function* ownedBy({ owner }: Quota, tree: StoredTree): Iterable<Uid> {
  if (owner !== SERVICE_OWNER) return yield* tree.children(owner, false);
  for (const { holder } of tree.namesFrom(undefined, undefined)) yield holder;
}

/** Whether a record counts against a quota. */
export function countsAgainst(
  { owner, kind }: Quota,
  uid: Uid,
  tree: Pick<StoredTree, "record" | "holderOf">,
): boolean {
  const record = skipTooNew(() => tree.record(uid));
  const quota = record && quotaOf(record);
  if (quota?.owner !== owner || quota.kind !== kind) return false;
  return record?.type !== "membrane" || tree.holderOf({ owner, name: record.name }) === uid;
}

/** @param readBytes reads the bytes of a membrane that has a row. */
export function recountBytes(
  owner: Uid,
  tree: Pick<StoredTree, "record" | "children" | "countChildren">,
  readBytes: (owner: Uid) => number | undefined,
): number {
  const read = (uid: Uid): StoredRecord | undefined => skipUnusable(() => tree.record(uid));
  let readsLeft = MAX_READS;
  const bytesOfOwner = (uid: Uid): number => {
    const sample = read(uid)?.type === "tenant" ? MAX_READS : SAMPLE_SIZE;
    let [bytes, sampled] = [0, 0];
    for (const child of tree.children(uid, true)) {
      if (sampled === sample || readsLeft === 0) break;
      readsLeft -= 1;
      sampled += 1;
      bytes += bytesBelow(uid, read(child));
    }
    return sampled === 0 ? 0 : Math.round((bytes / sampled) * tree.countChildren(uid));
  };
  const bytesBelow = (uid: Uid, record: StoredRecord | undefined): number => {
    if (record === undefined) return 0;
    const { membrane, tenant } = storageOwners(record, read);
    if ((membrane ?? tenant) !== uid) return 0;
    const below = record.type === "membrane" ? (readBytes(record.uid) ?? bytesOfOwner(record.uid)) : 0;
    return sizeOfRecord(record) + below;
  };
  return bytesOfOwner(owner);
}
