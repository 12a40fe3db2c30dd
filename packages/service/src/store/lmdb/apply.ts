import { randomBytes } from "node:crypto";
import { dependencies } from "../../domain/lineage.ts";
import { uidBytes } from "../../domain/uid.ts";
import { keyVersionColumn } from "../codec/key-version.ts";
import { encodeRecord } from "../codec/record-codec.ts";
import { childKey, DEPENDENT_MARK, expiryKey, indexTarget, nameKey, ROOT_MARK } from "../codec/row-keys.ts";
import type { Change } from "../engine.ts";
import type { StoredCapability, StoredRecord } from "../record.ts";
import type { AuditHeads } from "./audit-heads.ts";
import type { Counts } from "./counts.ts";
import type { RevocationLog } from "./revocation-log.ts";
import type { Rows } from "./schema.ts";
import type { UseCounts } from "./use-counts.ts";

const TOUCHED_KEY = Buffer.from("touched");

/** What changes are applied to. */
export interface ApplyContext {
  readonly rows: Rows;
  readonly counts: Counts;
  readonly useCounts: UseCounts;
  readonly log: RevocationLog;
  readonly auditHeads: AuditHeads;
  /** The version of the service key, which each lookup id is stored with. */
  readonly keyVersion: number;
  /** Called before a record is inserted. */
  upgradeLayout(): void;
}

/** Writes a change in the open transaction. */
export function applyChange(context: ApplyContext, change: Change): void {
  const { rows, counts, useCounts, log } = context;
  switch (change.type) {
    case "insert":
      return insert(context, change.record);
    case "update":
      return rows.nodes.put(uidBytes(change.record.uid), encodeRecord(change.record));
    case "replaceLookup":
      rows.nodes.put(uidBytes(change.record.uid), encodeRecord(change.record));
      rows.lookups.remove(change.from);
      return putLookup(context, change.record);
    case "remove":
      return remove(rows, change.record);
    case "removeDependency":
      for (const ignoresRevocation of [false, true])
        rows.children.remove(childKey({ to: change.uid, ignoresRevocation }, change.dependent));
      return;
    case "removeExpiry":
      return rows.sweep.remove(expiryKey(change.expiresAt, change.uid));
    case "takeName":
      return rows.names.put(nameKey(change.name), [uidBytes(change.holder)]);
    case "releaseName":
      return rows.names.remove(nameKey(change.name));
    case "addToCount":
      return counts.addToCount(change.quota, change.by);
    case "dropCount":
      return counts.dropCount(change.quota);
    case "addStoredBytes":
      return counts.addStoredBytes(change.owner, change.by);
    case "dropStoredBytes":
      return counts.dropStoredBytes(change.owner);
    case "putUses":
      return useCounts.put(change.uid, change.count);
    case "dropUses":
      return useCounts.drop(change.uid);
    case "appendToLog":
      return log.append(change.uid);
    case "trimLog":
      return log.trim(change.limit);
    case "queueSweep":
      return rows.sweep.put(uidBytes(change.uid), [change.isRoot ? ROOT_MARK : DEPENDENT_MARK]);
    case "unqueueSweep":
      return rows.sweep.remove(uidBytes(change.uid));
    case "moveAuditHead":
      return context.auditHeads.move(change.head);
    case "dropAuditHead":
      return context.auditHeads.drop(change.head);
    case "forceCommit":
      return rows.meta.put(TOUCHED_KEY, [randomBytes(8)]);
  }
}

function insert(context: ApplyContext, record: StoredRecord): void {
  const { rows, upgradeLayout } = context;
  upgradeLayout();
  rows.nodes.put(uidBytes(record.uid), encodeRecord(record));
  for (const dependency of dependencies(record)) rows.children.put(childKey(dependency, record.uid), []);
  if (record.type !== "capability") return;
  putLookup(context, record);
  if (record.expiresAt !== undefined) rows.sweep.put(expiryKey(record.expiresAt, record.uid), []);
}

function putLookup({ rows, keyVersion }: ApplyContext, { lookupId, uid }: StoredCapability): void {
  rows.lookups.put(lookupId, [uidBytes(uid), keyVersionColumn(keyVersion)]);
}

function remove(rows: Rows, record: StoredRecord): void {
  rows.nodes.remove(uidBytes(record.uid));
  for (const dependency of dependencies(record)) rows.children.remove(childKey(dependency, record.uid));
  if (record.type !== "capability") return;
  const columns = rows.lookups.get(record.lookupId);
  if (columns !== undefined && indexTarget(columns) === record.uid) rows.lookups.remove(record.lookupId);
  if (record.expiresAt !== undefined) rows.sweep.remove(expiryKey(record.expiresAt, record.uid));
}
