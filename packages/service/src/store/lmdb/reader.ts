import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import {
  childKey,
  childOfKey,
  expiryOfKey,
  indexTarget,
  nameKey,
  nameOfKey,
  ROOT_MARK,
} from "../codec/row-keys.ts";
import type {
  Dependent,
  ExpiredCapability,
  NameEntry,
  SweepEntry,
  SweepRequest,
  WriteSnapshot,
} from "../engine.ts";
import type { StoredRecord } from "../record.ts";
import { RecordTooNewError } from "../store.ts";
import type { VerifiedRecords } from "../verified-records.ts";
import { takeFirst } from "./authenticated-table.ts";
import type { Counts } from "./counts.ts";
import { createCounts } from "./counts.ts";
import type { RevocationLog } from "./revocation-log.ts";
import { hasRead } from "./fast-read.ts";
import type { Rows, Table } from "./schema.ts";
import { ALL_SWEEP_ENTRIES, childrenOf, expiriesBefore, namesAfter } from "./schema.ts";
import type { UseCounts } from "./use-counts.ts";
import { createUseCounts } from "./use-counts.ts";

/** Reads the rows of the open transaction when a decision does: a memory map needs nothing loaded. */
export interface Reader extends WriteSnapshot {
  readonly counts: Counts;
  readonly useCounts: UseCounts;
}

/** Where records are, and how their rows are verified. */
export interface RecordSource {
  readonly nodes: Table;
  readonly verified: VerifiedRecords;
}

/** @param onTooNew called with the uid of each record that was read and is too new. */
export function createReader(
  rows: Rows,
  { nodes, verified }: RecordSource,
  log: Pick<RevocationLog, "head">,
  onTooNew: (record: Uid) => void = () => undefined,
): Reader {
  const record = (uid: Uid): StoredRecord | undefined => {
    const key = uidBytes(uid);
    const last = verified.find(uid);
    if (last !== undefined && hasRead(nodes.getBinaryFast(key), last.row)) return last.record;
    const row = nodes.getBinary(key);
    if (row === undefined) return undefined;
    try {
      return verified.read(uid, row);
    } catch (error) {
      if (error instanceof RecordTooNewError) onTooNew(uid);
      throw error;
    }
  };
  const holderOf: WriteSnapshot["holderOf"] = (name) => {
    const columns = rows.names.get(nameKey(name));
    return columns === undefined ? undefined : indexTarget(columns);
  };
  const children = function* (uid: Uid, includesIgnoring: boolean): Iterable<Uid> {
    for (const { key } of rows.children.range(childrenOf(uid, includesIgnoring))) {
      const { child, ignoresRevocation } = childOfKey(key);
      // A `revoke` that went through the membrane that it ends points to it in both ways, and is one child.
      const isRepeated =
        ignoresRevocation &&
        rows.children.get(childKey({ to: uid, ignoresRevocation: false }, child)) !== undefined;
      if (!isRepeated) yield child;
    }
  };
  const countChildren = (uid: Uid): number => {
    let count = 0;
    for (const _child of children(uid, true)) count += 1;
    return count;
  };
  const namesFrom = function* (owner: Uid | undefined, after: string | undefined): Iterable<NameEntry> {
    for (const { key, columns } of rows.names.range(namesAfter(owner, after)))
      yield { name: nameOfKey(key), holder: indexTarget(columns) };
  };
  const sweepEntries = function* ({ limit }: SweepRequest): Iterable<SweepEntry> {
    let entries = 0;
    for (const { key, columns } of rows.sweep.range(ALL_SWEEP_ENTRIES)) {
      if (entries === limit) return;
      entries += 1;
      const uid = parseUid(key.toString("hex"));
      const isRoot = columns[0]?.equals(ROOT_MARK) === true;
      yield { uid, isRoot, dependents: dependentsOf(uid, isRoot, limit) };
    }
  };
  const dependentsOf = function* (uid: Uid, asRevoked: boolean, limit: number): Iterable<Dependent> {
    for (const child of takeFirst(children(uid, !asRevoked), limit))
      yield { uid: child, hasDependents: () => hasDependents(child) };
  };
  const hasDependents = (uid: Uid): boolean => takeFirst(children(uid, true), 1).length > 0;
  const expired = function* ({ expiredBefore, limit }: SweepRequest): Iterable<ExpiredCapability> {
    for (const { key } of takeFirst(rows.sweep.range(expiriesBefore(expiredBefore)), limit)) {
      const entry = expiryOfKey(key);
      yield { ...entry, hasDependents: () => hasDependents(entry.uid) };
    }
  };
  const counts = createCounts(rows.counts, { record, holderOf, namesFrom, children, countChildren });
  const useCounts = createUseCounts(rows.counts);

  return {
    position: log.head,
    record,
    capability(lookupId) {
      const columns = rows.lookups.get(lookupId);
      const found = columns === undefined ? undefined : record(indexTarget(columns));
      return found?.type === "capability" ? found : undefined;
    },
    holderOf,
    names: ({ owner, after, limit }) => takeFirst(namesFrom(owner, after), limit),
    countOwned: counts.countOwned,
    uses: useCounts.read,
    dependents: ({ of, asRevoked, limit }) => [...dependentsOf(of, asRevoked, limit)],
    storedBytes: counts.storedBytes,
    sweepEntries,
    expired,
    counts,
    useCounts,
  };
}
