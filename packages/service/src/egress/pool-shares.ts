/** The limits for all pools together. */
export interface SharedPoolLimits {
  /** Open pools. */
  readonly maxUpstreamPools: number;
  /** Memory of the pools. */
  readonly upstreamPoolBytesTotal: number;
  /** Open connections to targets. */
  readonly maxUpstreamConnections: number;
}

/** What all pools use together. */
export interface SharedPoolUsage {
  readonly pools: number;
  readonly bytes: number;
  readonly connections: number;
}

/** A pool, which counts against the tenant that it belongs to. */
export interface TenantPool {
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
interface TenantUsage {
  readonly pools: Set<TenantPool>;
  bytes: number;
  connections: number;
}

/**
 * Divides pools and connections to targets between tenants. A tenant may have as many as are left free, at most half of all.
 * Beyond that its own idle pools are closed, the least recently used first, and never another tenant's: an exporter chooses how
 * many pools its TLS materials need.
 */
export class PoolShares {
  readonly #limits: SharedPoolLimits;
  readonly #owners = new Map<string, TenantUsage>();
  #pools = 0;
  #bytes = 0;
  #connections = 0;

  constructor(limits: SharedPoolLimits) {
    this.#limits = limits;
  }

  usage(): SharedPoolUsage {
    return { pools: this.#pools, bytes: this.#bytes, connections: this.#connections };
  }

  /** Closes idle pools of the owner if needed. @returns whether there is room. */
  makeRoom(owner: string, bytes: number): boolean {
    for (;;) {
      const usage = this.#owners.get(owner);
      const freePools = this.#limits.maxUpstreamPools - this.#pools - 1;
      const freeBytes = this.#limits.upstreamPoolBytesTotal - this.#bytes - bytes;
      const [pools, sum] = [(usage?.pools.size ?? 0) + 1, (usage?.bytes ?? 0) + bytes];
      // A tenant's first pool only has to fit.
      if (pools <= freePools + 1 && (sum <= freeBytes || (pools === 1 && freeBytes >= 0))) return true;
      if (!closeLeastRecentlyUsed(usage)) return false;
    }
  }

  add(pool: TenantPool): void {
    const usage = this.#usageOf(pool.owner);
    usage.pools.add(pool);
    usage.bytes += pool.bytes;
    this.#pools += 1;
    this.#bytes += pool.bytes;
  }

  delete(pool: TenantPool): void {
    const usage = this.#owners.get(pool.owner);
    if (usage?.pools.delete(pool) !== true) return;
    usage.bytes -= pool.bytes;
    this.#pools -= 1;
    this.#bytes -= pool.bytes;
    this.#forgetIfEmpty(pool.owner, usage);
  }

  /** Counts a connection. @returns a function that releases it; nothing if there is no room. */
  reserveConnection(owner: string): (() => void) | undefined {
    const free = this.#limits.maxUpstreamConnections - this.#connections - 1;
    const current = this.#owners.get(owner);
    // Only a pool with a connection makes room; to close thousands without one would let as many connections be opened. Those of a
    // closed pool are counted until they have ended.
    if ((current?.connections ?? 0) > free && !closeLeastRecentlyUsed(current, hasConnection))
      return undefined;
    const usage = this.#usageOf(owner);
    usage.connections += 1;
    this.#connections += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      usage.connections -= 1;
      this.#connections -= 1;
      this.#forgetIfEmpty(owner, usage);
    };
  }

  #usageOf(owner: string): TenantUsage {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const held = { pools: new Set<TenantPool>(), bytes: 0, connections: 0 };
    this.#owners.set(owner, held);
    return held;
  }

  #forgetIfEmpty(owner: string, held: TenantUsage): void {
    if (held.pools.size === 0 && held.connections === 0 && this.#owners.get(owner) === held)
      this.#owners.delete(owner);
  }
}

/** @returns whether there was an idle one that `mayClose` accepts; its `close` must delete it. */
function closeLeastRecentlyUsed(
  usage: TenantUsage | undefined,
  mayClose: (pool: TenantPool) => boolean = always,
): boolean {
  let oldest: TenantPool | undefined;
  for (const pool of usage?.pools ?? [])
    if (pool.isIdle && mayClose(pool) && (oldest === undefined || pool.usedAt < oldest.usedAt)) oldest = pool;
  oldest?.close();
  return oldest !== undefined;
}

function hasConnection({ connections }: TenantPool): boolean {
  return connections > 0;
}

function always(): boolean {
  return true;
}
