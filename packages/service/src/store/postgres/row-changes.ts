import type { AuditHead } from "../../domain/audit-head.ts";
import { dependencies } from "../../domain/lineage.ts";
import { quotasOf } from "../../domain/quota.ts";
import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import type { AuditHeadKey } from "../codec/audit-head-row.ts";
import { encodeAuditHead } from "../codec/audit-head-row.ts";
import { encodeRow } from "../codec/authenticated-row.ts";
import { numberColumn } from "../codec/columns.ts";
import { keyVersionColumn } from "../codec/key-version.ts";
import { encodeRecord } from "../codec/record-codec.ts";
import { childKey, DEPENDENT_MARK, expiryKey, nameKey, ROOT_MARK } from "../codec/row-keys.ts";
import type { Change, OwnedName } from "../engine.ts";
import type { ServiceKeys } from "../keys.ts";
import { isNamed, nameOf } from "../named-record.ts";
import type { StoredCapability, StoredRecord } from "../record.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countRowKey, countText, quotaRef, usesRef } from "./count-ref.ts";
import { nameText } from "./loaded-rows.ts";
import type { LoadedSnapshot } from "./snapshot.ts";

/** A row as it is to be when the write is over; without a body it is to be gone. */
export interface RowChange<K> {
  readonly key: K;
  readonly body: Buffer | undefined;
  /**
   * Whether the snapshot had it: then it is updated, else inserted, which fails if another write has just done so. Where a snapshot
   * does not say, it may be there.
   */
  readonly isThere: boolean;
}

/** All rows of a table that a write changes, by a text of their keys. */
export type TableChanges<K, T extends string = string> = Map<T, RowChange<K>>;

export interface RecordRow {
  readonly uid: Uid;
  readonly dependsOn: readonly Uid[];
  readonly name: OwnedName | undefined;
}

export interface ChildRow {
  readonly uid: Uid;
  readonly ignoresRevocation: boolean;
  readonly child: Uid;
}

/** What the changes of a decision come to, row by row: few statements write it. */
export interface RowChanges {
  readonly counts: TableChanges<CountRef>;
  readonly names: TableChanges<OwnedName & { readonly holder?: Uid }>;
  readonly records: TableChanges<RecordRow, Uid>;
  readonly lookups: TableChanges<{ readonly lookupId: Buffer; readonly uid: Uid }>;
  readonly children: TableChanges<ChildRow>;
  readonly expiries: TableChanges<{ readonly expiresAt: number; readonly uid: Uid }>;
  readonly sweep: TableChanges<{ readonly uid: Uid; readonly isRoot: boolean }>;
  /** Heads of the audit trail by their writers; without a body one that is dropped. */
  readonly auditHeads: Map<string, AuditHeadChange>;
  readonly appended: readonly Uid[];
  /** How many entries of the log may be dropped. */
  readonly trim: number;
  /** Nothing changes, and the write still waits for the disk. */
  readonly isForced: boolean;
}

export interface AuditHeadChange {
  readonly key: AuditHeadKey;
  readonly body: Buffer | undefined;
  /** Whether the earlier heads of its writer are removed. */
  readonly replaces: boolean;
}

/** Row changes to which more are added. */
export interface MutableRowChanges extends RowChanges {
  readonly appended: Uid[];
  trim: number;
  isForced: boolean;
}

interface Folding extends MutableRowChanges {
  readonly snapshot: LoadedSnapshot;
  readonly keys: ServiceKeys;
  /** The counts that were changed so far; `undefined`: dropped. */
  readonly values: Map<string, number | undefined>;
}

export function noChanges(): MutableRowChanges {
  return {
    counts: new Map(),
    names: new Map(),
    records: new Map(),
    lookups: new Map(),
    children: new Map(),
    expiries: new Map(),
    sweep: new Map(),
    auditHeads: new Map(),
    appended: [],
    trim: 0,
    isForced: false,
  };
}

/** @throws CountMissingError if a count that grows has to be counted first. */
export function foldChanges(
  changes: readonly Change[],
  snapshot: LoadedSnapshot,
  keys: ServiceKeys,
): RowChanges {
  const folding: Folding = { ...noChanges(), snapshot, keys, values: new Map() };
  for (const change of changes) foldChange(folding, change);
  for (const change of changes) if (change.type === "insert") keepCounts(folding, change.record);
  return folding;
}

function foldChange(folding: Folding, change: Change): void {
  const { snapshot, keys } = folding;
  switch (change.type) {
    case "insert":
      return insert(folding, change.record);
    case "update":
      return putRecord(folding, change.record, { isThere: true });
    case "replaceLookup": {
      const { record, from } = change;
      putRecord(folding, record, { isThere: true });
      removeLookup(folding, from, record.uid);
      return putLookup(folding, record);
    }
    case "remove":
      return remove(folding, change.record);
    case "removeDependency":
      for (const ignoresRevocation of [false, true])
        putChild(folding, { uid: change.uid, ignoresRevocation, child: change.dependent }, undefined);
      return;
    case "removeExpiry":
      return putExpiry(folding, change.expiresAt, change.uid, undefined);
    case "takeName": {
      const { name, holder } = change;
      const body = encodeRow("names", nameKey(name), [uidBytes(holder)], keys);
      const isThere = snapshot.holderOf(name) !== undefined;
      return void folding.names.set(nameText(name), { key: { ...name, holder }, body, isThere });
    }
    case "releaseName":
      return void folding.names.set(nameText(change.name), {
        key: change.name,
        body: undefined,
        isThere: true,
      });
    case "addToCount":
      return addToCount(folding, quotaRef(change.quota), change.by, countColumn);
    case "dropCount":
      return dropCount(folding, quotaRef(change.quota));
    case "addStoredBytes":
      return addToCount(folding, bytesRef(change.owner), change.by, numberColumn);
    case "dropStoredBytes":
      return dropCount(folding, bytesRef(change.owner));
    case "putUses": {
      const { window, uses } = change.count;
      return putCount(folding, usesRef(change.uid), [numberColumn(window), numberColumn(uses)]);
    }
    case "dropUses":
      return dropCount(folding, usesRef(change.uid));
    case "appendToLog":
      return void folding.appended.push(change.uid);
    case "trimLog":
      folding.trim = change.limit;
      return;
    case "queueSweep": {
      const { uid, isRoot } = change;
      const body = encodeRow("sweep", uidBytes(uid), [isRoot ? ROOT_MARK : DEPENDENT_MARK], keys);
      return void folding.sweep.set(uid, { key: { uid, isRoot }, body, isThere: false });
    }
    case "unqueueSweep": {
      const key = { uid: change.uid, isRoot: false };
      return void folding.sweep.set(change.uid, { key, body: undefined, isThere: true });
    }
    case "moveAuditHead":
      return void folding.auditHeads.set(change.head.writer, auditHeadChange(change.head, keys));
    case "dropAuditHead":
      return void folding.auditHeads.set(change.head.writer, {
        key: change.head,
        body: undefined,
        replaces: true,
      });
    case "forceCommit":
      folding.isForced = true;
      return;
  }
}

function insert(folding: Folding, record: StoredRecord): void {
  const { keys } = folding;
  putRecord(folding, record, { isThere: false });
  for (const { to, ignoresRevocation } of dependencies(record)) {
    const body = encodeRow("children", childKey({ to, ignoresRevocation }, record.uid), [], keys);
    putChild(folding, { uid: to, ignoresRevocation, child: record.uid }, body);
  }
  if (record.type !== "capability") return;
  const { uid, expiresAt } = record;
  putLookup(folding, record);
  if (expiresAt !== undefined)
    putExpiry(folding, expiresAt, uid, encodeRow("sweep", expiryKey(expiresAt, uid), [], keys));
}

function remove(folding: Folding, record: StoredRecord): void {
  const { uid } = record;
  folding.records.set(uid, { key: recordRow(record), body: undefined, isThere: true });
  for (const { to, ignoresRevocation } of dependencies(record))
    putChild(folding, { uid: to, ignoresRevocation, child: uid }, undefined);
  if (record.type !== "capability") return;
  const { lookupId, expiresAt } = record;
  removeLookup(folding, lookupId, uid);
  if (expiresAt !== undefined) putExpiry(folding, expiresAt, uid, undefined);
}

function putLookup({ lookups, keys }: Folding, { lookupId, uid }: StoredCapability): void {
  const body = encodeRow("lookups", lookupId, [uidBytes(uid), keyVersionColumn(keys.keyVersion)], keys);
  lookups.set(lookupId.toString("hex"), { key: { lookupId, uid }, body, isThere: false });
}

function removeLookup({ lookups }: Folding, lookupId: Buffer, uid: Uid): void {
  lookups.set(lookupId.toString("hex"), { key: { lookupId, uid }, body: undefined, isThere: true });
}

function auditHeadChange(head: AuditHead, keys: ServiceKeys): AuditHeadChange {
  return { key: head, body: encodeAuditHead(head, keys), replaces: true };
}

function putRecord(
  { records, keys }: Folding,
  record: StoredRecord,
  { isThere }: { readonly isThere: boolean },
): void {
  const body = encodeRow("nodes", uidBytes(record.uid), encodeRecord(record), keys);
  records.set(record.uid, { key: recordRow(record), body, isThere });
}

/** The columns of a record that are repeated in clear. */
export function recordRow(record: StoredRecord): RecordRow {
  return {
    uid: record.uid,
    dependsOn: dependencies(record).map(({ to }) => to),
    name: isNamed(record) ? nameOf(record) : undefined,
  };
}

function putChild({ children }: Folding, key: ChildRow, body: Buffer | undefined): void {
  const text = `${key.uid} ${key.ignoresRevocation} ${key.child}`;
  children.set(text, { key, body, isThere: body === undefined });
}

function putExpiry({ expiries }: Folding, expiresAt: number, uid: Uid, body: Buffer | undefined): void {
  expiries.set(`${expiresAt} ${uid}`, { key: { expiresAt, uid }, body, isThere: body === undefined });
}

function addToCount(folding: Folding, ref: CountRef, by: number, column: (value: number) => Buffer): void {
  const current = currentCount(folding, ref, by);
  if (current === undefined) return;
  const value = Math.max(0, current + by);
  folding.values.set(countText(ref), value);
  putCount(folding, ref, [column(value)]);
}

/** A count that is not kept is counted first if it grows, and left alone if it shrinks. */
function currentCount({ snapshot, values }: Folding, ref: CountRef, by: number): number | undefined {
  const text = countText(ref);
  if (!values.has(text)) return by > 0 ? snapshot.count(ref) : snapshot.knownCount(ref);
  const dropped = by > 0 ? 0 : undefined;
  return values.get(text) ?? dropped;
}

function dropCount(folding: Folding, ref: CountRef): void {
  const text = countText(ref);
  folding.values.set(text, undefined);
  folding.counts.set(text, { key: ref, body: undefined, isThere: folding.snapshot.hasCount(ref) });
}

function putCount({ counts, snapshot, keys }: Folding, ref: CountRef, columns: readonly Buffer[]): void {
  const body = encodeRow("counts", countRowKey(ref), columns, keys);
  counts.set(countText(ref), { key: ref, body, isThere: snapshot.hasCount(ref) });
}

/** A new tenant or membrane begins with its counts, so that none has to be made anew from what it owns. */
function keepCounts(folding: Folding, record: StoredRecord): void {
  if (!isNamed(record)) return;
  for (const quota of quotasOf(record)) keepCount(folding, quotaRef(quota), countColumn(0));
  keepCount(folding, bytesRef(record.uid), numberColumn(0));
}

function keepCount(folding: Folding, ref: CountRef, zero: Buffer): void {
  if (!folding.counts.has(countText(ref))) putCount(folding, ref, [zero]);
}

function countColumn(value: number): Buffer {
  const column = Buffer.alloc(4);
  column.writeUInt32BE(value);
  return column;
}
