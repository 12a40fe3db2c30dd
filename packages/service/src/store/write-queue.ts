import type { FairItem } from "../collections/fair-queue.ts";
import { FairQueue } from "../collections/fair-queue.ts";

/** What a write is for. Its class decides when it is taken and how much disk space it may use. */
export type WriteClass = "revoke" | "create" | "use" | "sweep";

/** Revokes seldom come alone: after some, this many takes of the others are short, so that the next revoke waits for little. */
const SHORT_TAKES = 4;

/** How many turns a short take has. */
const SHORT_BUDGET = 8;

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
   * wait, one sweep and then all else: creations, and uses that are counted; at most 8 turns of them in each of the 4 takes after
   * revokes. Revokes and all else each go tenant by tenant, and within a tenant capability by capability. The first item of a kind
   * may need more turns than are left.
   */
  take(budget: number): T[];
  delete(item: T): void;
  isEmpty(): boolean;
}

/** @param capacity how many may wait, of revokes and of all else each. */
export function createWriteQueue<T extends QueuedWrite>(capacity: number): WriteQueue<T> {
  const revokes = new FairQueue<T>();
  const others = new FairQueue<T>();
  const sweeps: T[] = [];
  /** Whether the last take took revokes: the next one is for the others, so that revokes without end do not starve them. */
  let tookRevokes = false;
  let shortTakes = 0;
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
      if (tookRevokes) {
        shortTakes = SHORT_TAKES;
        return revokes.shift(budget);
      }
      const turns = shortTakes > 0 ? Math.min(budget, SHORT_BUDGET) : budget;
      shortTakes = Math.max(0, shortTakes - 1);
      // One at a time: a batch of a sweep is as much work as dozens of other writes.
      const taken = sweeps.splice(0, 1);
      const remaining = turns - totalCost(taken);
      return remaining > 0 ? [...taken, ...others.shift(remaining)] : taken;
    },
    isEmpty: () => revokes.size + others.size + sweeps.length === 0,
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
