import type { Uid } from "../../domain/uid.ts";
import type { OwnedName, Snapshot } from "../engine.ts";
import type { StoredMembrane, StoredRecord, StoredTenant } from "../record.ts";

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

export function isNamed(record: StoredRecord | undefined): record is StoredTenant | StoredMembrane {
  return record?.type === "tenant" || record?.type === "membrane";
}

export function nameOf(
  record: Pick<StoredTenant, "type" | "name"> | Pick<StoredMembrane, "type" | "name" | "tenant">,
): OwnedName {
  return record.type === "membrane" ? { owner: record.tenant, name: record.name } : { name: record.name };
}
