/** The owner of an item. Tenants take turns, and so do the capabilities of one tenant. */
export interface FairOwner {
  readonly tenant: string;
  readonly capability: string;
}

/** An item of the queue. */
export interface FairItem {
  readonly owner: FairOwner;
  /** How much of the budget of {@link FairQueue.shift} the item takes, at least one. */
  readonly cost: number;
}

/**
 * A queue in which owners take turns: a tenant that adds many items delays no other tenant by more than one of them, and
 * within a tenant the same holds for its capabilities. Serving a key moves it to the end of its Map, so that the first key is
 * always next.
 */
export class FairQueue<T extends FairItem> {
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

  /** The first item may cost more than the budget; otherwise it would wait for ever. */
  shift(budget: number): T[] {
    const taken: T[] = [];
    let remaining = budget;
    while (remaining > 0) {
      const [first] = this.#tenants;
      const [lane] = first?.[1] ?? [];
      const item = lane?.[1][0];
      if (first === undefined || lane === undefined || item === undefined) break;
      if (item.cost > remaining && taken.length > 0) break;
      lane[1].shift();
      taken.push(item);
      remaining -= item.cost;
      this.#size -= 1;
      moveToEnd(first[1], lane, lane[1].length);
      moveToEnd(this.#tenants, first, first[1].size);
    }
    return taken;
  }

  /** Removes the latest item of the longest lane of the tenant that has most items. */
  drop(): T | undefined {
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

function moveToEnd<V>(map: Map<string, V>, [key, value]: readonly [string, V], left: number): void {
  map.delete(key);
  if (left > 0) map.set(key, value);
}

/** Returns the last of several that are equally large: the one that came later is dropped first. */
function largest<V>(values: Iterable<V>, sizeOf: (value: V) => number): V | undefined {
  let result: V | undefined;
  let max = 0;
  for (const value of values) {
    const size = sizeOf(value);
    if (size < max) continue;
    max = size;
    result = value;
  }
  return result;
}

function sum(lanes: Iterable<readonly unknown[]>): number {
  let count = 0;
  for (const { length } of lanes) count += length;
  return count;
}
