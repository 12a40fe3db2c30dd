import type { FairItem } from "../collections/fair-queue.ts";
import { FairQueue } from "../collections/fair-queue.ts";

/** What a write is for. Its class decides when it is taken and how much disk space it may use. */
export type WriteClass = "revoke" | "create" | "use" | "sweep";

/** What the queue reads of a write. A large one takes several turns: it delays the others as long as several small ones. */
export interface QueuedWrite extends FairItem {
  readonly class: WriteClass;
}

/** Writes that wait for their turn. */
export interface WriteQueue<T extends QueuedWrite> {
  /**
   * Adds `item`. A full queue drops the latest item of the owner that has most, which may be `item` itself.
   *
   * @returns the item that was dropped.
   */
  add(item: T): T | undefined;
  /**
   * Takes the items of the next turns: revokes alone, since each other item would delay them; or, after revokes and when none
   * wait, one sweep and then all else: creations, and uses that are counted. Revokes and all else each go tenant by tenant, and
   * within a tenant capability by capability. The first item of a kind may need more turns than are left.
   */
  take(budget: number): T[];
  delete(item: T): void;
}

/** @param capacity how many may wait, of revokes and of all else each. */
export function createWriteQueue<T extends QueuedWrite>(capacity: number): WriteQueue<T> {
  const revokes = new FairQueue<T>();
  const others = new FairQueue<T>();
  const sweeps: T[] = [];
  /** Whether the last take took revokes: the next one is for the others, so that revokes without end do not starve them. */
  let tookRevokes = false;
  const queueOf = (item: T): FairQueue<T> => (item.class === "revoke" ? revokes : others);

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
    take(budget) {
      const othersWait = others.size + sweeps.length > 0;
      tookRevokes = revokes.size > 0 && !(tookRevokes && othersWait);
      if (tookRevokes) return revokes.shift(budget);
      // One at a time: a batch of a sweep is as much work as dozens of other writes.
      const taken = sweeps.splice(0, 1);
      const remaining = budget - totalCost(taken);
      return remaining > 0 ? [...taken, ...others.shift(remaining)] : taken;
    },
    delete(item) {
      if (item.class !== "sweep") return queueOf(item).delete(item);
      const index = sweeps.indexOf(item);
      if (index !== -1) sweeps.splice(index, 1);
    },
  };
}

function totalCost(items: readonly QueuedWrite[]): number {
  return items.reduce((sum, { cost }) => sum + cost, 0);
}
