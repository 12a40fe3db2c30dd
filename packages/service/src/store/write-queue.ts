import type { FairItem } from "../collections/fair-queue.ts";
import { FairQueue } from "../collections/fair-queue.ts";

/** What a write is for. Its class decides when it is taken and how much disk space it may use. */
export type WriteClass = "revoke" | "create" | "sweep";

/** What the queue reads of a write. A large one takes several turns: it delays the others as long as several small ones. */
export interface Queued extends FairItem {
  readonly class: WriteClass;
}

/** Writes that wait for their turn. */
export interface WriteQueue<T extends Queued> {
  /**
   * Adds `item`. A full queue drops the latest item of the owner that has most, which may be `item` itself.
   *
   * @returns the item that was dropped.
   */
  add(item: T): T | undefined;
  /**
   * Takes the items of the next turns: revokes first, up to three quarters of the turns while others wait; then one sweep;
   * then what is created. Revokes and creations each go tenant by tenant, and within a tenant capability by capability. The
   * first item of a kind may need more turns than are left.
   */
  take(turns: number): T[];
  delete(item: T): void;
}

/** Revokes leave one of so many turns to other writes. */
const REVOKES_LEAVE = 4;

/** @param capacity how many may wait, of revokes and of all else each. */
export function createWriteQueue<T extends Queued>(capacity: number): WriteQueue<T> {
  const revokes = new FairQueue<T>();
  const creations = new FairQueue<T>();
  const sweeps: T[] = [];
  const queueOf = (item: T): FairQueue<T> => (item.class === "revoke" ? revokes : creations);

  return {
    add(item) {
      if (item.class === "sweep") {
        sweeps.push(item);
        return undefined;
      }
      const queue = queueOf(item);
      queue.push(item);
      return queue.size > capacity ? queue.drop() : undefined;
    },
    take(turns) {
      const others = creations.size + sweeps.length;
      const kept = others === 0 ? 0 : Math.min(others, Math.ceil(turns / REVOKES_LEAVE));
      const taken = revokes.shift(turns - kept);
      // One at a time: a batch of a sweep is as much work as dozens of other writes.
      if (turnsOf(taken) < turns) taken.push(...sweeps.splice(0, 1));
      const left = turns - turnsOf(taken);
      if (left > 0) taken.push(...creations.shift(left));
      return taken;
    },
    delete(item) {
      if (item.class !== "sweep") return queueOf(item).delete(item);
      const at = sweeps.indexOf(item);
      if (at !== -1) sweeps.splice(at, 1);
    },
  };
}

function turnsOf(items: readonly Queued[]): number {
  return items.reduce((sum, { turns }) => sum + turns, 0);
}
