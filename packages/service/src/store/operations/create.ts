import type { Result } from "capability-protocol";
import type { Capability } from "../../domain/capability.ts";
import type { CreationDenial, Quotas } from "../../domain/creation.ts";
import { checkCreation } from "../../domain/creation.ts";
import { dependencies } from "../../domain/lineage.ts";
import { quotaOf } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { UNUSED } from "../../domain/use-counter.ts";
import type { Change, Decision, ReadRequest, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { StoredRecord } from "../record.ts";
import { sizeOfRecord } from "../record-size.ts";
import type { CreationOptions } from "../store.ts";
import { countCreated } from "./accounting.ts";
import { decideUse, useCountsRequest } from "./count-use.ts";
import type { FindRecord } from "./records.ts";
import { isNamed, nameOf } from "../named-record.ts";
import { memoizedRecords } from "./records.ts";

/** Records that are created together, and the use that creates them. */
export interface Creation extends Pick<CreationOptions, "newCounters" | "useCounters"> {
  readonly records: readonly StoredRecord[];
}

/** What {@link decideCreation} reads. */
export function creationRequest({
  records,
  useCounters = [],
}: Creation): Omit<WriteRequest, "owner"> & { readonly uids: readonly Uid[] } {
  const uids = new Set(records.flatMap((record) => dependencies(record).map(({ to }) => to)));
  return {
    class: "create",
    lookupIds: records.flatMap((record) => (record.type === "capability" ? [record.lookupId] : [])),
    uids: Array.from(uids),
    names: records.filter(isNamed).map(nameOf),
    quotas: records.flatMap((record) => quotaOf(record) ?? []),
    size: { records: records.length, sealedBytes: records.reduce(addSealed, 0) },
    ...useCountsRequest(useCounters),
  };
}

/**
 * Stores records together or not at all, and counts the use that they are created with. A capability whose lookup id is there
 * already is left as it is.
 *
 * @param now the time of day in milliseconds since 1970.
 */
export function decideCreation(
  snapshot: WriteSnapshot,
  creation: Creation,
  quotas: Quotas,
  now: number,
): Decision<Result<void, CreationDenial>> {
  const created = decideRecords(snapshot, creation, quotas, now);
  const { useCounters = [] } = creation;
  if (!created.result.ok || useCounters.length === 0) return created;
  const use = decideUse(snapshot, useCounters, now);
  return use.result.ok ? { ...created, changes: [...created.changes, ...use.changes] } : use;
}

/** @returns the changes that store the records. */
export function decideRecords(
  snapshot: WriteSnapshot,
  { records, newCounters = [] }: Creation,
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
  const counters = newCounters.filter((uid) => created.has(uid));
  return {
    result,
    changes: [
      ...countCreated(added, snapshot, find),
      ...added.flatMap(insertion),
      ...counters.map((uid): Change => ({ type: "putUses", uid, count: UNUSED })),
    ],
  };
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
