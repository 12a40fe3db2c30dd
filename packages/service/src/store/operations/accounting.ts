import { quotaOf, quotasOf } from "../../domain/quota.ts";
import { storageOwners } from "../../domain/storage-owners.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Change, Snapshot, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";
import { sizeOfRecord } from "../record-size.ts";
import { skipUnusable } from "../unusable-records.ts";
import type { FindRecord } from "./records.ts";
import { isNamed, nameOf } from "../named-record.ts";

/**
 * What new records take from quotas and from shares of the disk. To be applied before they are inserted: a count that is not
 * kept is then counted without them.
 *
 * @param find reads a record, including the new ones.
 */
export function countCreated(
  records: readonly StoredRecord[],
  snapshot: Pick<Snapshot, "holderOf">,
  find: FindRecord,
): Change[] {
  const counts = records.flatMap((record) => (takesOver(record, snapshot) ? [] : countOf(record, 1)));
  const bytes = new Map<Uid, number>();
  for (const record of records) {
    const size = sizeOfRecord(record);
    for (const owner of ownersOf(record, find)) bytes.set(owner, (bytes.get(owner) ?? 0) + size);
  }
  return [...counts, ...Array.from(bytes, ([owner, by]): Change => ({ type: "addStoredBytes", owner, by }))];
}

/** Takes its name from what died, and its place in the count with it. */
function takesOver(record: StoredRecord, snapshot: Pick<Snapshot, "holderOf">): boolean {
  return isNamed(record) && snapshot.holderOf(nameOf(record)) !== undefined;
}

/** What {@link releaseOwner} may change, besides stored bytes. */
export function releasedBy(
  record: StoredTenant | StoredMembrane,
): Required<Pick<WriteRequest, "names" | "quotas">> {
  const own = quotaOf(record);
  return { names: [nameOf(record)], quotas: [...quotasOf(record), ...(own === undefined ? [] : [own])] };
}

/**
 * What a dead tenant or membrane gives back at once: its name, with its place in the count, and the counts of what it owns, so
 * that a sweep need not count down.
 */
export function releaseOwner(
  record: StoredTenant | StoredMembrane,
  snapshot: Pick<Snapshot, "holderOf">,
): Change[] {
  const name = nameOf(record);
  const drops: Change[] = quotasOf(record).map((quota) => ({ type: "dropCount", quota }));
  drops.push({ type: "dropStoredBytes", owner: record.uid });
  // A successor may have the name.
  if (snapshot.holderOf(name) !== record.uid) return drops;
  return [...drops, { type: "releaseName", name }, ...countOf(record, -1)];
}

/** Removes records one after the other: each change follows from the snapshot and from the removals before it. */
export interface Removals {
  has(uid: Uid): boolean;
  /** @returns the changes that remove `record` with what it takes; what is below it stays. */
  remove(record: StoredRecord): Change[];
}

export function createRemovals(snapshot: WriteSnapshot): Removals {
  const removed = new Set<Uid>();
  const freed = new Map<Uid, number>();
  const find: FindRecord = (uid) => (removed.has(uid) ? undefined : skipUnusable(() => snapshot.record(uid)));
  const storedBytes = (owner: Uid): number =>
    Math.max(0, snapshot.storedBytes(owner) - (freed.get(owner) ?? 0));

  return {
    has: (uid) => removed.has(uid),
    remove(record) {
      // What is below a membrane that is gone has no owner any more: the tenant gets all its bytes back now.
      const size = sizeOfRecord(record) + (record.type === "membrane" ? storedBytes(record.uid) : 0);
      const bytes = ownersOf(record, find).map((owner): Change => {
        freed.set(owner, (freed.get(owner) ?? 0) + size);
        return { type: "addStoredBytes", owner, by: -size };
      });
      removed.add(record.uid);
      const counts = isNamed(record) ? releaseOwner(record, snapshot) : countOf(record, -1);
      const uses: Change[] = record.type === "capability" ? [{ type: "dropUses", uid: record.uid }] : [];
      return [...bytes, ...counts, ...uses, { type: "remove", record }];
    },
  };
}

function countOf(record: StoredRecord, by: number): Change[] {
  const quota = quotaOf(record);
  return quota === undefined ? [] : [{ type: "addToCount", quota, by }];
}

function ownersOf(record: StoredRecord, find: FindRecord): Uid[] {
  const { membrane, tenant } = storageOwners(record, find);
  return [membrane, tenant].filter((owner) => owner !== undefined);
}
