import { evaluateLineage } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Dependent, Engine, Snapshot } from "../engine.ts";
import type { StoredRecord } from "../record.ts";
import type { Descendants } from "../store.ts";
import { skipTooNew } from "../unusable-records.ts";
import { memoizedRecords } from "./records.ts";

/** How many dependents of one record are read: with more, the count is not complete. */
export const MAX_DEPENDENTS = 1_000;

/** How many dependents are read in all. One that depends on several records is read for each. */
const MAX_READ = 10 * MAX_DEPENDENTS;

/** What one record adds to the descendants. */
interface Step {
  readonly met: readonly Uid[];
  readonly alive: readonly StoredRecord[];
  /** What is counted next, since something depends on it. */
  readonly inner: readonly Uid[];
  readonly read: number;
}

/**
 * Counts what is alive and ends if a membrane or a tenant is revoked, breadth first. Each record is read in a separate snapshot, so
 * what is created meanwhile may be missing.
 *
 * @param now the time of day in milliseconds since 1970.
 */
export async function countDescendants(
  engine: Pick<Engine, "read">,
  root: Uid,
  now: () => number,
): Promise<Descendants> {
  const seen = new Set<Uid>([root]);
  const pending = [root];
  const counted = { capabilities: 0, membranes: 0, tenants: 0 };
  let read = 0;
  for (let of = pending.shift(); of !== undefined; of = pending.shift()) {
    // One more than is counted tells whether any follows.
    const request = { of, asRevoked: of === root, limit: MAX_DEPENDENTS + 1 };
    const step = await engine.read({ dependents: request }, (snapshot) =>
      selectAlive(snapshot, snapshot.dependents(request), seen, now()),
    );
    step.met.forEach((uid) => seen.add(uid));
    for (const record of step.alive) {
      if (record.type === "tenant") counted.tenants += 1;
      else if (record.type === "membrane") counted.membranes += 1;
      else if (record.type === "capability" && record.membrane !== undefined) counted.capabilities += 1;
    }
    pending.push(...step.inner);
    read += step.read;
    if (step.read > MAX_DEPENDENTS || read > MAX_READ) return { ...counted, isComplete: false };
  }
  return { ...counted, isComplete: true };
}

function selectAlive(
  snapshot: Snapshot,
  dependents: readonly Dependent[],
  seen: ReadonlySet<Uid>,
  now: number,
): Step {
  const find = memoizedRecords(snapshot);
  const alive: StoredRecord[] = [];
  const inner: Uid[] = [];
  const met = dependents.filter(({ uid }) => !seen.has(uid));
  for (const { uid, hasDependents } of met) {
    const record = skipTooNew(() => {
      const found = find(uid);
      return found !== undefined && evaluateLineage(found, find, now).ok ? found : undefined;
    });
    if (record === undefined) continue;
    alive.push(record);
    if (hasDependents()) inner.push(uid);
  }
  return { met: met.map(({ uid }) => uid), alive, inner, read: dependents.length };
}
