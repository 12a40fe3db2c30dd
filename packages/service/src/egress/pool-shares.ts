/** The limits for all pools together. */
export interface PoolLimits {
  /** Open pools. */
  readonly pools: number;
  /** Memory of the pools, in bytes. */
  readonly poolBytes: number;
  /** Open connections to targets. */
  readonly targetConnections: number;
}

/** A pool, charged to the tenant that it belongs to. */
export interface SharedPool {
  readonly owner: string;
  readonly bytes: number;
  /** No request is in flight on it, and none waits. */
  readonly isIdle: boolean;
  /** How many connections it has open. */
  readonly connections: number;
  /** When it was last used. */
  readonly usedAt: number;
  close(): void;
}

/** What one tenant uses. */
interface Held {
  readonly pools: Set<SharedPool>;
  bytes: number;
  connections: number;
}

/**
 * Divides pools and connections to targets between tenants. A tenant may have as many as are left free: at most half of all, so
 * that some are left for the next tenant. Beyond that its own idle pools are closed, the least recently used first, and never
 * another's: an exporter chooses TLS material at will, and a pool for each would evict those that others use.
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

  /** Closes idle pools of the owner if needed. @returns whether there is room. */
  makeRoom(owner: string, bytes: number): boolean {
    for (;;) {
      const held = this.#owners.get(owner);
      const freePools = this.#limits.pools - this.#pools - 1;
      const freeBytes = this.#limits.poolBytes - this.#bytes - bytes;
      const [pools, sum] = [(held?.pools.size ?? 0) + 1, (held?.bytes ?? 0) + bytes];
      // A tenant's first pool only has to fit.
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

  /** Counts a connection. @returns a function that releases it; nothing if there is no room. */
  connect(owner: string): (() => void) | undefined {
    const free = this.#limits.targetConnections - this.#connections - 1;
    const before = this.#owners.get(owner);
    // A pool without a connection makes no room: closed in its place, each of thousands would let one more be opened. The
    // connections of a closed pool are still counted for a moment, since they end a little later.
    if ((before?.connections ?? 0) > free && !closeLongestUnused(before, hasConnection)) return undefined;
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

/** @returns whether there was an idle one that `mayClose` accepts; its `close` must delete it. */
function closeLongestUnused(
  held: Held | undefined,
  mayClose: (pool: SharedPool) => boolean = always,
): boolean {
  let longest: SharedPool | undefined;
  for (const pool of held?.pools ?? [])
    if (pool.isIdle && mayClose(pool) && (longest === undefined || pool.usedAt < longest.usedAt))
      longest = pool;
  longest?.close();
  return longest !== undefined;
}

function hasConnection({ connections }: SharedPool): boolean {
  return connections > 0;
}

function always(): boolean {
  return true;
}
