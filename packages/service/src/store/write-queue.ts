/** What a write is for. Its class decides when it is taken and how much disk space it may use. */
export type WriteClass = "revoke" | "create" | "sweep";

/** For whom something is written. Tenants take turns, and within a tenant its capabilities. */
export interface WriteOwner {
  readonly tenant: string;
  readonly capability: string;
}

/** What the queue reads of an item. */
export interface Queued {
  readonly class: WriteClass;
  readonly owner: WriteOwner;
  /** How many turns it takes, at least one: a large write delays the others as long as several small ones. */
  readonly turns: number;
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
      return queue.size > capacity ? queue.giveUp() : undefined;
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

/** Serving a key moves it to the end of its Map, so that the first key is always next. */
class FairQueue<T extends Queued> {
  readonly #tenants = new Map<string, Map<string, T[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    const { tenant, capability } = item.owner;
    const lanes = this.#tenants.get(tenant) ?? new Map<string, T[]>();
    const lane = lanes.get(capability) ?? [];
    lane.push(item);
    lanes.set(capability, lane);
    this.#tenants.set(tenant, lanes);
    this.#size += 1;
  }

  /** The first item may need more turns than there are; otherwise it would wait for ever. */
  shift(turns: number): T[] {
    const taken: T[] = [];
    let left = turns;
    while (left > 0) {
      const [first] = this.#tenants;
      const [lane] = first?.[1] ?? [];
      const item = lane?.[1][0];
      if (first === undefined || lane === undefined || item === undefined) break;
      if (item.turns > left && taken.length > 0) break;
      lane[1].shift();
      taken.push(item);
      left -= item.turns;
      this.#size -= 1;
      putLast(first[1], lane, lane[1].length);
      putLast(this.#tenants, first, first[1].size);
    }
    return taken;
  }

  /** Removes the latest item of the longest lane of the tenant that has most. */
  giveUp(): T | undefined {
    const lanes = largest(this.#tenants.values(), (candidate) => sum(candidate.values()));
    const item = lanes === undefined ? undefined : largest(lanes.values(), ({ length }) => length)?.at(-1);
    if (item !== undefined) this.delete(item);
    return item;
  }

  delete(item: T): void {
    const { tenant, capability } = item.owner;
    const lanes = this.#tenants.get(tenant);
    const lane = lanes?.get(capability);
    const at = lane?.lastIndexOf(item) ?? -1;
    if (lanes === undefined || lane === undefined || at === -1) return;
    lane.splice(at, 1);
    this.#size -= 1;
    if (lane.length === 0) lanes.delete(capability);
    if (lanes.size === 0) this.#tenants.delete(tenant);
  }
}

function putLast<V>(map: Map<string, V>, [key, value]: readonly [string, V], left: number): void {
  map.delete(key);
  if (left > 0) map.set(key, value);
}

function turnsOf(items: readonly Queued[]): number {
  return items.reduce((sum, { turns }) => sum + turns, 0);
}

/** The last of the largest, since the one that came later is dropped first. */
function largest<V>(values: Iterable<V>, sizeOf: (value: V) => number): V | undefined {
  let found: V | undefined;
  let most = 0;
  for (const value of values) {
    const size = sizeOf(value);
    if (size < most) continue;
    most = size;
    found = value;
  }
  return found;
}

function sum(lanes: Iterable<readonly unknown[]>): number {
  let count = 0;
  for (const { length } of lanes) count += length;
  return count;
}
