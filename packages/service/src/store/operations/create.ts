import type { Result } from "capability-protocol";
import type { Capability } from "../../domain/capability.ts";
import type { CreationDenial, Quotas } from "../../domain/creation.ts";
import { checkCreation } from "../../domain/creation.ts";
import { dependencies } from "../../domain/lineage.ts";
import { quotaOf } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Change, Decision, ReadRequest, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { StoredRecord } from "../record.ts";
import { sizeOfRecord } from "../record-size.ts";
import { countCreated } from "./accounting.ts";
import type { FindRecord } from "./records.ts";
import { isNamed, memoizedRecords, nameOf } from "./records.ts";

/** What {@link decideCreation} reads. */
export function creationRequest(
  records: readonly StoredRecord[],
): Omit<WriteRequest, "owner"> & { readonly uids: readonly Uid[] } {
  const uids = new Set(records.flatMap((record) => dependencies(record).map(({ to }) => to)));
  return {
    class: "create",
    lookupIds: records.flatMap((record) => (record.type === "capability" ? [record.lookupId] : [])),
    uids: Array.from(uids),
    names: records.filter(isNamed).map(nameOf),
    quotas: records.flatMap((record) => quotaOf(record) ?? []),
    size: { records: records.length, sealedBytes: records.reduce(addSealed, 0) },
  };
}

/**
 * Stores records together or not at all. A capability whose lookup id is there already is left as it is.
 *
 * @param now the time of day in milliseconds since 1970.
 */
export function decideCreation(
  snapshot: WriteSnapshot,
  records: readonly StoredRecord[],
  quotas: Quotas,
  now: number,
): Decision<Result<void, CreationDenial>> {
  const added = records.filter(
    (record) => record.type !== "capability" || snapshot.capability(record.lookupId) === undefined,
  );
  const created = new Map<Uid, StoredRecord>(added.map((record) => [record.uid, record]));
  const stored = memoizedRecords(snapshot);
  const find: FindRecord = (uid) => created.get(uid) ?? stored(uid);
  const result = checkCreation(
    added,
    {
      find,
      countOwned: snapshot.countOwned,
      storedBytes: (owner) => (created.has(owner) ? 0 : snapshot.storedBytes(owner)),
      sizeOf: ({ uid }) => sizeOf(created.get(uid)),
      findByName(node) {
        const holder = snapshot.holderOf(nameOf(node));
        return holder === undefined ? undefined : find(holder);
      },
    },
    quotas,
    now,
  );
  if (!result.ok || added.length === 0) return { result, changes: [{ type: "forceCommit" }] };
  return { result, changes: [...countCreated(added, snapshot, find), ...added.flatMap(insertion)] };
}

/** In whose turn records are created depends on the owners of their disk space. */
export function creationOwnerRequest(records: readonly StoredRecord[], actor?: Capability): ReadRequest {
  const sources = actor === undefined ? records : [actor];
  return { uids: sources.flatMap((source) => dependencies(source).map(({ to }) => to)) };
}

function insertion(record: StoredRecord): Change[] {
  const insert: Change = { type: "insert", record };
  return isNamed(record)
    ? [insert, { type: "takeName", name: nameOf(record), holder: record.uid }]
    : [insert];
}

function sizeOf(record: StoredRecord | undefined): number {
  return record === undefined ? 0 : sizeOfRecord(record);
}

function addSealed(sum: number, record: StoredRecord): number {
  return "sealed" in record ? sum + record.sealed.length : sum;
}
