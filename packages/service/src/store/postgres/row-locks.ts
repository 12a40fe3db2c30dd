import { dependencies } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Change, OwnedName, WriteRequest } from "../engine.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef, countText, quotaRef, usesRef } from "./count-ref.ts";
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

/** What can be known before the first decision: a use changes the counters that it names, and nothing else. */
export function initialLocks({ class: kind, uses = [] }: WriteRequest): RowLocks | undefined {
  if (kind !== "use") return undefined;
  return { ...NO_LOCKS, counts: countsByText(uses.map(usesRef)) };
}

/** The rows that changes read or replace. */
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
      case "forceCommit":
        break;
    }
  }
  const isStored = (uid: Uid): boolean => !inserted.has(uid) && !changed.has(uid);
  return {
    counts: countsByText(counts),
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

export function mergeLocks(a: RowLocks, b: RowLocks): RowLocks {
  return {
    counts: new Map([...a.counts, ...b.counts]),
    names: new Map([...a.names, ...b.names]),
    changed: new Set([...a.changed, ...b.changed]),
    pointedTo: new Set([...a.pointedTo, ...b.pointedTo]),
  };
}

function countsByText(refs: readonly CountRef[]): Map<string, CountRef> {
  return new Map(refs.map((ref) => [countText(ref), ref]));
}
