/** How much all pools may take. */
export interface PoolLimits {
  /** Pools that are open. */
  readonly pools: number;
  /** Memory that they take, in bytes. */
  readonly poolBytes: number;
  /** Connections to targets that are open. */
  readonly targetConnections: number;
}

/** A pool that is charged to the tenant it belongs to. */
export interface SharedPool {
  readonly owner: string;
  readonly bytes: number;
  /** Nothing is on its way on it, and nothing waits. */
  readonly isIdle: boolean;
  /** When it was asked for last. */
  readonly usedAt: number;
  close(): void;
}

/** What one tenant has. */
interface Held {
  readonly pools: Set<SharedPool>;
  bytes: number;
  connections: number;
}

/**
 * Pools and connections to targets, which all tenants share. A tenant may have as many as are left free: at the most half of all, and
 * there is something left for whoever comes next. Beyond that its own idle pools are closed, the longest unused first, never
 * another's: an exporter chooses TLS material at will, and a pool for each would push out those that others use.
 */
export class PoolShares {
  readonly #limits: PoolLimits;
  readonly #owners = new Map<string, Held>();
  #pools = 0;
  #bytes = 0;
  #connections = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** @returns whether there is room, which closing the owner's idle pools may have made. */
  makeRoom(owner: string, bytes: number): boolean {
    for (;;) {
      const held = this.#owners.get(owner);
      const freePools = this.#limits.pools - this.#pools - 1;
      const freeBytes = this.#limits.poolBytes - this.#bytes - bytes;
      const [pools, sum] = [(held?.pools.size ?? 0) + 1, (held?.bytes ?? 0) + bytes];
      // The first pool of a tenant alone needs no more than its own room.
      if (pools <= freePools + 1 && (sum <= freeBytes || (pools === 1 && freeBytes >= 0))) return true;
      if (!closeLongestUnused(held)) return false;
    }
  }

  add(pool: SharedPool): void {
    const held = this.#heldBy(pool.owner);
    held.pools.add(pool);
    held.bytes += pool.bytes;
    this.#pools += 1;
    this.#bytes += pool.bytes;
  }

  delete(pool: SharedPool): void {
    const held = this.#owners.get(pool.owner);
    if (held?.pools.delete(pool) !== true) return;
    held.bytes -= pool.bytes;
    this.#pools -= 1;
    this.#bytes -= pool.bytes;
    this.#forgetIfEmpty(pool.owner, held);
  }

  /** @returns how to give the connection back; nothing if there is no room for it. */
  connect(owner: string): (() => void) | undefined {
    const free = this.#limits.targetConnections - this.#connections - 1;
    const before = this.#owners.get(owner);
    // What is closed for it ends a little later than it begins.
    if ((before?.connections ?? 0) > free && !closeLongestUnused(before)) return undefined;
    const held = this.#heldBy(owner);
    held.connections += 1;
    this.#connections += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      held.connections -= 1;
      this.#connections -= 1;
      this.#forgetIfEmpty(owner, held);
    };
  }

  #heldBy(owner: string): Held {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const held = { pools: new Set<SharedPool>(), bytes: 0, connections: 0 };
    this.#owners.set(owner, held);
    return held;
  }

  #forgetIfEmpty(owner: string, held: Held): void {
    if (held.pools.size === 0 && held.connections === 0 && this.#owners.get(owner) === held)
      this.#owners.delete(owner);
  }
}

/** @returns whether there was one; its `close` must delete it. */
function closeLongestUnused(held: Held | undefined): boolean {
  let longest: SharedPool | undefined;
  for (const pool of held?.pools ?? [])
    if (pool.isIdle && (longest === undefined || pool.usedAt < longest.usedAt)) longest = pool;
  longest?.close();
  return longest !== undefined;
}
