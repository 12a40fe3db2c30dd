/** How much a {@link RecentMap} keeps, in all. */
export interface RecentMapLimits {
  readonly entries: number;
  readonly bytes: number;
}

interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
}

class Half<K, V> {
  readonly entries = new Map<K, Entry<V>>();
  bytes = 0;

  delete(key: K): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.bytes -= entry.bytes;
  }
}

/**
 * A map of what was used recently. It has two halves: when the newer one is full, the older one is dropped and the newer one becomes
 * the older. So an entry costs less to add and to find than where the order of all uses is kept.
 */
export class RecentMap<K, V> {
  readonly #limits: RecentMapLimits;
  #newer = new Half<K, V>();
  #older = new Half<K, V>();

  constructor(limits: RecentMapLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#newer.entries.size + this.#older.entries.size;
  }

  get bytes(): number {
    return this.#newer.bytes + this.#older.bytes;
  }

  get(key: K): V | undefined {
    const newer = this.#newer.entries.get(key);
    if (newer !== undefined) return newer.value;
    const older = this.#older.entries.get(key);
    if (older !== undefined) this.set(key, older.value, older.bytes);
    return older?.value;
  }

  /**
   * What is larger than half of the map is not kept.
   *
   * @param bytes memory of the value.
   */
  set(key: K, value: V, bytes: number): void {
    this.#newer.delete(key);
    this.#older.delete(key);
    const [halfEntries, halfBytes] = [this.#limits.entries / 2, this.#limits.bytes / 2];
    if (bytes > halfBytes) return;
    if (this.#newer.entries.size + 1 > halfEntries || this.#newer.bytes + bytes > halfBytes) {
      this.#older = this.#newer;
      this.#newer = new Half();
    }
    this.#newer.entries.set(key, { value, bytes });
    this.#newer.bytes += bytes;
  }
}
