/** Idle entries are dropped once there are this many entries, or twice as many as the last eviction left. */
const MIN_EVICTION_SIZE = 1_024;

/** How entries are made and dropped. */
export interface LazyMapOptions<K, V> {
  create(key: K): V;
  isIdle(value: V): boolean;
  /** Called with each entry that was dropped. */
  onEvict?(key: K, value: V): void;
}

/**
 * A map whose values are made on first use. An idle entry stays, since most clients return: making and deleting an entry with
 * each request would cost more than the work that it is for (see `swap-remove-list.ts`).
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
