import type { Decision, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { LoadedRows } from "./loaded-rows.ts";
import { createPendingRows } from "./pending-rows.ts";
import type { RowChanges } from "./row-changes.ts";
import { foldChanges } from "./row-changes.ts";
import type { RowLocks } from "./row-locks.ts";
import { coversLocks, locksOf, mergeLocks } from "./row-locks.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import { CountMissingError, createSnapshot } from "./snapshot.ts";

/** A write of a group. */
export interface GroupWrite<T> {
  readonly request: WriteRequest;
  decide(snapshot: WriteSnapshot): Decision<T>;
  /** Its time is over: it is left out when the group is repeated. */
  readonly hasLeft: boolean;
}

/** What a decision returned or threw. */
export type Outcome<T> =
  | { readonly type: "decided"; readonly result: T }
  | { readonly type: "failed"; readonly error: unknown };

/** What the decisions of a group come to. */
export interface GroupDecision<T> {
  readonly outcomes: ReadonlyMap<GroupWrite<T>, Outcome<T>>;
  /** The locks that their changes need, also those that are not held. */
  readonly locks: RowLocks;
  /** The changes of those whose locks are held; absent if there is nothing to commit. */
  readonly changes?: RowChanges;
}

/**
 * Decides one after the other from rows that were loaded once: each decision sees the changes of those before it. One that throws
 * changes nothing, and takes nothing else with it.
 *
 * @param held the locks under which the rows were loaded.
 * @throws CountMissingError if a count has to be made first.
 */
export function decideGroup<T>(
  loaded: LoadedRows,
  writes: readonly GroupWrite<T>[],
  held: RowLocks,
  options: SnapshotOptions,
): GroupDecision<T> {
  const pending = createPendingRows(loaded);
  const locks: RowLocks[] = [];
  let hasChanges = false;
  const decide = (write: GroupWrite<T>): Outcome<T> => {
    try {
      const snapshot = createSnapshot(pending.rows, options);
      const { result, changes } = write.decide(snapshot);
      const needed = locksOf(changes);
      // Without its locks it is decided again, and what it would change may not have been loaded.
      if (coversLocks(held, needed)) pending.add(foldChanges(changes, snapshot, options.keys));
      locks.push(needed);
      hasChanges ||= changes.length > 0;
      return { type: "decided", result };
    } catch (error) {
      if (error instanceof CountMissingError) throw error;
      return { type: "failed", error };
    }
  };
  const outcomes = new Map(writes.map((write) => [write, decide(write)]));
  return { outcomes, locks: mergeLocks(locks), ...(hasChanges ? { changes: pending.changes } : {}) };
}
