/** Entries that are idle are dropped once there are this many in all, or twice as many as were left the last time. */
const MIN_EVICTION_SIZE = 1_024;

/** What is kept for each key. */
export interface LazyMapOptions<K, V> {
  create(key: K): V;
  isIdle(value: V): boolean;
  /** Told of each entry that was dropped. */
  onEvict?(key: K, value: V): void;
}

/**
 * Something for each key, made when it is first asked for, that stays when it is idle: who came once mostly comes again.
 * Made and deleted with each request instead, entries would cost more than what they are for (see `swap-remove-list.ts`).
 */
export class LazyMap<K, V> {
  readonly #options: LazyMapOptions<K, V>;
  readonly #entries = new Map<K, V>();
  #evictAt = MIN_EVICTION_SIZE;

  constructor(options: LazyMapOptions<K, V>) {
    this.#options = options;
  }

  get(key: K): V {
    const existing = this.#entries.get(key);
    if (existing !== undefined) return existing;
    if (this.#entries.size >= this.#evictAt) this.#evictIdle();
    const created = this.#options.create(key);
    this.#entries.set(key, created);
    return created;
  }

  #evictIdle(): void {
    for (const [key, value] of this.#entries) {
      if (!this.#options.isIdle(value)) continue;
      this.#entries.delete(key);
      this.#options.onEvict?.(key, value);
    }
    this.#evictAt = Math.max(MIN_EVICTION_SIZE, this.#entries.size * 2);
  }
}
