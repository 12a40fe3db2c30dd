import type { Uid } from "../../domain/uid.ts";
import type {
  Change,
  Decision,
  Dependent,
  SweepEntry,
  SweepRequest,
  WriteRequest,
  WriteSnapshot,
} from "../engine.ts";
import type { SweepReport } from "../store.ts";
import { skipTooNew } from "../unusable-records.ts";
import { NO_OWNER } from "../write-owner.ts";
import type { Removals } from "./accounting.ts";
import { createRemovals } from "./accounting.ts";

/** What {@link decideSweep} reads. */
export function sweepRequest(sweep: SweepRequest): WriteRequest {
  return { class: "sweep", owner: NO_OWNER, sweep, size: { records: sweep.limit, sealedBytes: 0 } };
}

/**
 * Removes at most `limit` records: first those below queued nodes, breadth first, then expired ones. What this batch queues waits
 * for the next one. A sweep can stop and start anywhere, since what was removed and what is left to do are of one transaction.
 * Entries of the queue and rows that lead to no record count like records, so that a batch is short whatever is below.
 */
export function decideSweep(snapshot: WriteSnapshot, request: SweepRequest): Decision<SweepReport> {
  const { limit } = request;
  const batch: Batch = { snapshot, limit, removals: createRemovals(snapshot), queued: new Set() };
  const changes: Change[] = [{ type: "trimLog", limit }];
  let [deleted, remaining, entries, unqueued] = [0, limit, 0, 0];
  for (const entry of snapshot.sweepEntries(request)) {
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
  const expired = removeExpired(batch, request, remaining);
  const more = batch.queued.size > 0 || unqueued < entries || entries === limit || expired.more;
  return {
    result: { deleted: deleted + expired.deleted, more },
    changes: [...changes, ...expired.changes],
  };
}

/** Removes capabilities that expired long ago, and queues what depends on them. */
function removeExpired(
  batch: Batch,
  request: SweepRequest,
  remaining: number,
): { readonly changes: readonly Change[]; readonly deleted: number; readonly more: boolean } {
  const { snapshot, limit, removals } = batch;
  const changes: Change[] = [];
  let [entries, cost, deleted] = [0, 0, 0];
  for (const entry of snapshot.expired(request)) {
    entries += 1;
    // It was below a queued node, and its row went with it.
    if (removals.has(entry.uid)) continue;
    if (cost === remaining) return { changes, deleted, more: true };
    cost += 1;
    const record = skipTooNew(() => snapshot.record(entry.uid));
    if (record?.type !== "capability" || record.expiresAt !== entry.expiresAt)
      changes.push({ type: "removeExpiry", uid: entry.uid, expiresAt: entry.expiresAt });
    else {
      changes.push(...removals.remove(record), ...queueDependents(batch, entry));
      deleted += 1;
    }
  }
  return { changes, deleted, more: entries === limit };
}

/** Most nodes are leaves, which need not be queued. */
function queueDependents({ queued }: Batch, { uid, hasDependents }: Dependent): Change[] {
  if (!hasDependents()) return [];
  queued.add(uid);
  return [{ type: "queueSweep", uid, isRoot: false }];
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
  const { snapshot, limit, removals } = batch;
  const changes: Change[] = [];
  let [deleted, cost, dependents] = [0, 0, 0];
  for (const dependent of entry.dependents) {
    const { uid } = dependent;
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
    changes.push(...queueDependents(batch, dependent));
  }
  const isUnqueued = dependents < limit && cost < remaining;
  if (!isUnqueued) return { changes, deleted, cost, isUnqueued };
  changes.push({ type: "unqueueSweep", uid: entry.uid });
  return { changes, deleted, cost: cost + 1, isUnqueued };
}
