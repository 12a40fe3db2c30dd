import { dependencies } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import { isUid } from "../../domain/uid.ts";
import type { Change, OwnedName, WriteRequest } from "../engine.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countsByText, quotaRef, usesRef } from "./count-ref.ts";
import { nameText } from "./loaded-rows.ts";

/** The rows that a write locks before it reads what it decides from. */
export interface RowLocks {
  readonly counts: ReadonlyMap<string, CountRef>;
  readonly names: ReadonlyMap<string, OwnedName>;
  /** Records that it changes or removes. */
  readonly changed: ReadonlySet<Uid>;
  /** Records that new ones point to. They must not be revoked or removed before the new ones are there. */
  readonly pointedTo: ReadonlySet<Uid>;
}

export const NO_LOCKS: RowLocks = {
  counts: new Map(),
  names: new Map(),
  changed: new Set(),
  pointedTo: new Set(),
};

/**
 * The locks that a write will probably need, as its request says; a decision tells whether it needs others. What a sweep changes is
 * known only after it has read its records, so none are expected.
 */
export function expectedLocks(request: WriteRequest): RowLocks {
  const { class: kind, uids = [], names = [], quotas = [], uses = [], replaces = [] } = request;
  const bytes = (kind === "revoke" ? replaces : bytesOwners(request)).map(bytesRef);
  return {
    counts: countsByText([...uses.map(usesRef), ...quotas.map(quotaRef), ...bytes]),
    names: new Map(names.map((name) => [nameText(name), name])),
    changed: new Set(replaces),
    pointedTo: new Set(kind === "create" || kind === "use" ? uids : []),
  };
}

/** What counts against a quota takes disk space from its owner, and from the tenant in whose turn it is written. */
function bytesOwners({ owner, quotas = [] }: WriteRequest): Uid[] {
  const tenant = quotas.length > 0 && isUid(owner.tenant) ? [owner.tenant] : [];
  return [...quotas.map((quota) => quota.owner), ...tenant];
}

/** The rows that changes read or replace. What belongs to a record that they insert needs no lock: no other write knows it. */
export function locksOf(changes: readonly Change[]): RowLocks {
  const counts: CountRef[] = [];
  const names = new Map<string, OwnedName>();
  const changed = new Set<Uid>();
  const inserted = new Set<Uid>();
  const pointedTo = new Set<Uid>();
  for (const change of changes) {
    switch (change.type) {
      case "insert":
        inserted.add(change.record.uid);
        for (const { to } of dependencies(change.record)) pointedTo.add(to);
        break;
      case "update":
      case "replaceLookup":
      case "remove":
        changed.add(change.record.uid);
        break;
      case "takeName":
      case "releaseName":
        names.set(nameText(change.name), change.name);
        break;
      case "addToCount":
      case "dropCount":
        counts.push(quotaRef(change.quota));
        break;
      case "addStoredBytes":
      case "dropStoredBytes":
        counts.push(bytesRef(change.owner));
        break;
      case "putUses":
      case "dropUses":
        counts.push(usesRef(change.uid));
        break;
      case "removeDependency":
      case "removeExpiry":
      case "appendToLog":
      case "trimLog":
      case "queueSweep":
      case "unqueueSweep":
      case "moveAuditHead":
      case "dropAuditHead":
      case "forceCommit":
        break;
    }
  }
  const isStored = (uid: Uid): boolean => !inserted.has(uid) && !changed.has(uid);
  return {
    counts: countsByText(counts.filter(({ uid }) => !inserted.has(uid))),
    names,
    changed,
    pointedTo: new Set([...pointedTo].filter(isStored)),
  };
}

/** Whether all that `needed` names is locked by `held`. */
export function coversLocks(held: RowLocks, needed: RowLocks): boolean {
  return (
    [...needed.counts.keys()].every((key) => held.counts.has(key)) &&
    [...needed.names.keys()].every((key) => held.names.has(key)) &&
    [...needed.changed].every((uid) => held.changed.has(uid)) &&
    [...needed.pointedTo].every((uid) => held.pointedTo.has(uid) || held.changed.has(uid))
  );
}

export function mergeLocks(all: readonly RowLocks[]): RowLocks {
  return {
    counts: new Map(all.flatMap(({ counts }) => [...counts])),
    names: new Map(all.flatMap(({ names }) => [...names])),
    changed: new Set(all.flatMap(({ changed }) => [...changed])),
    pointedTo: new Set(all.flatMap(({ pointedTo }) => [...pointedTo])),
  };
}
