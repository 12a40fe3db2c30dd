import type { Uid } from "../../domain/uid.ts";
import type { Change, Decision, SweepEntry, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { SweepReport } from "../store.ts";
import { skipTooNew } from "../store.ts";
import { NO_OWNER } from "../write-owner.ts";
import type { Removals } from "./accounting.ts";
import { createRemovals } from "./accounting.ts";

/** What {@link decideSweep} reads. */
export function sweepRequest(limit: number): WriteRequest {
  return { class: "sweep", owner: NO_OWNER, sweepLimit: limit, size: { records: limit, sealedBytes: 0 } };
}

/**
 * Removes at most `limit` records below queued nodes, breadth first: what this batch queues waits for the next one. A sweep can
 * stop and start anywhere, since what was removed and what is left to do are of one transaction. Entries of the queue and rows
 * that lead to no record count like records, so that a batch is short whatever is below.
 */
export function decideSweep(snapshot: WriteSnapshot, limit: number): Decision<SweepReport> {
  const batch: Batch = { snapshot, limit, removals: createRemovals(snapshot), queued: new Set() };
  const changes: Change[] = [{ type: "trimLog", limit }];
  let [deleted, remaining, entries, unqueued] = [0, limit, 0, 0];
  for (const entry of snapshot.sweepEntries(limit)) {
    entries += 1;
    if (remaining === 0) break;
    // Queued again by this batch, perhaps with more to remove below it.
    if (batch.queued.has(entry.uid)) continue;
    const step = sweepEntry(batch, entry, remaining);
    changes.push(...step.changes);
    deleted += step.deleted;
    remaining -= step.cost;
    unqueued += step.isUnqueued ? 1 : 0;
  }
  const more = batch.queued.size > 0 || unqueued < entries || entries === limit;
  return { result: { deleted, more }, changes };
}

interface Batch {
  readonly snapshot: WriteSnapshot;
  readonly limit: number;
  readonly removals: Removals;
  readonly queued: Set<Uid>;
}

interface EntryStep {
  readonly changes: readonly Change[];
  readonly deleted: number;
  readonly cost: number;
  readonly isUnqueued: boolean;
}

function sweepEntry(batch: Batch, entry: SweepEntry, remaining: number): EntryStep {
  const { snapshot, limit, removals, queued } = batch;
  const changes: Change[] = [];
  let [deleted, cost, dependents] = [0, 0, 0];
  for (const { uid, hasDependents } of entry.dependents) {
    dependents += 1;
    // It is below two entries, and went with the first.
    if (removals.has(uid)) continue;
    if (cost === remaining) return { changes, deleted, cost, isUnqueued: false };
    cost += 1;
    const record = skipTooNew(() => snapshot.record(uid));
    // A record that is too new stays, since this program cannot find all rows that lead to it; it is dead like the others.
    if (record === undefined) changes.push({ type: "removeDependency", uid: entry.uid, dependent: uid });
    else {
      changes.push(...removals.remove(record));
      deleted += 1;
    }
    // Most are leaves, which need not be queued.
    if (!hasDependents()) continue;
    changes.push({ type: "queueSweep", uid, isRoot: false });
    queued.add(uid);
  }
  const isUnqueued = dependents < limit && cost < remaining;
  if (!isUnqueued) return { changes, deleted, cost, isUnqueued };
  changes.push({ type: "unqueueSweep", uid: entry.uid });
  return { changes, deleted, cost: cost + 1, isUnqueued };
}
