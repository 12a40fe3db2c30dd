import type { Uid } from "../../domain/uid.ts";
import { parseUid, uidBytes } from "../../domain/uid.ts";
import type { SweepReport } from "../store.ts";
import type { Nodes } from "./nodes.ts";
import type { RowTable } from "./row.ts";
import { take } from "./row.ts";

const ROOT = Buffer.from([1]);
const BELOW = Buffer.from([0]);
const FIRST = Buffer.alloc(1);
const BEHIND_ALL = Buffer.alloc(17, 0xff);

/** Notes that all below `root` may go. The row of the root itself stays: its `revoke` capabilities go on answering. */
export function queueSweep(queue: RowTable, root: Uid): void {
  queue.put(uidBytes(root), [ROOT]);
}

/**
 * Deletes at most `limit` records below queued nodes, breadth first. What was deleted and what is left to do are of one
 * transaction, so it can stop and start anywhere. Rows of the queue and of the index count like records: a batch must be
 * short, whatever hangs below.
 */
export function sweepBelow(queue: RowTable, nodes: Nodes, limit: number): SweepReport {
  let deleted = 0;
  let left = limit;
  for (let next = first(queue); next !== undefined; next = first(queue)) {
    if (left === 0) return { deleted, more: true };
    const doomed = take(nodes.children(next.uid, !next.root), left);
    for (const uid of doomed) {
      const record = nodes.get(uid);
      if (record === undefined) {
        nodes.unlink(next.uid, uid);
        continue;
      }
      nodes.remove(record);
      // Nearly all are leaves: they are not queued only to be found to be.
      if (take(nodes.children(uid, true), 1).length > 0) queue.put(uidBytes(uid), [BELOW]);
      deleted += 1;
    }
    if (doomed.length === 0) queue.remove(uidBytes(next.uid));
    left -= Math.max(1, doomed.length);
  }
  return { deleted, more: false };
}

function first(queue: RowTable): { readonly uid: Uid; readonly root: boolean } | undefined {
  for (const { key, columns } of queue.range(FIRST, BEHIND_ALL)) {
    return { uid: parseUid(key.toString("hex")), root: columns[0]?.equals(ROOT) === true };
  }
  return undefined;
}
