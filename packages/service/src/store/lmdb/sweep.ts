import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import type { SweepReport } from "../store.ts";
import { skipTooNew } from "../store.ts";
import type { Records } from "./records.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";
import { takeFirst } from "./authenticated-table.ts";

const ROOT_MARK = Buffer.from([1]);
const DEPENDENT_MARK = Buffer.from([0]);
const MIN_KEY = Buffer.alloc(1);
const MAX_KEY = Buffer.alloc(17, 0xff);

/** Notes that all below `root` may go. The row of the root itself stays: its `revoke` capabilities go on answering. */
export function queueSweep(queue: AuthenticatedTable, root: Uid): void {
  queue.put(uidBytes(root), [ROOT_MARK]);
}

/**
 * Deletes at most `limit` records below queued nodes, breadth first. What was deleted and what is left to do are of one
 * transaction, so it can stop and start anywhere. Rows of the queue and of the index count like records: a batch must be
 * short, whatever hangs below.
 */
export function sweepBelow(queue: AuthenticatedTable, records: Records, limit: number): SweepReport {
  let deleted = 0;
  let remaining = limit;
  for (let entry = first(queue); entry !== undefined; entry = first(queue)) {
    if (remaining === 0) return { deleted, more: true };
    const dependents = takeFirst(records.children(entry.uid, !entry.root), remaining);
    for (const uid of dependents) {
      const record = skipTooNew(() => records.get(uid));
      // A record that is too new stays, since this program cannot find all rows that lead to it; it is dead like the others.
      if (record === undefined) records.removeDependency(entry.uid, uid);
      else {
        records.remove(record);
        deleted += 1;
      }
      // Most are leaves, which need not be queued.
      if (takeFirst(records.children(uid, true), 1).length > 0) queue.put(uidBytes(uid), [DEPENDENT_MARK]);
    }
    if (dependents.length === 0) queue.remove(uidBytes(entry.uid));
    remaining -= Math.max(1, dependents.length);
  }
  return { deleted, more: false };
}

function first(queue: AuthenticatedTable): { readonly uid: Uid; readonly root: boolean } | undefined {
  for (const { key, columns } of queue.range(MIN_KEY, MAX_KEY)) {
    return { uid: parseUid(key.toString("hex")), root: columns[0]?.equals(ROOT_MARK) === true };
  }
  return undefined;
}
