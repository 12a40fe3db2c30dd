import type { Uid } from "../../domain/uid.ts";
import type { Snapshot } from "../engine.ts";
import type { StoredRecord } from "../record.ts";

export type FindRecord = (uid: Uid) => StoredRecord | undefined;

/** Reads each record of a snapshot once, however many lineages it is in. */
export function memoizedRecords(snapshot: Pick<Snapshot, "record">): FindRecord {
  const cache = new Map<Uid, StoredRecord | undefined>();
  return (uid) => {
    if (cache.has(uid)) return cache.get(uid);
    const record = snapshot.record(uid);
    cache.set(uid, record);
    return record;
  };
}
