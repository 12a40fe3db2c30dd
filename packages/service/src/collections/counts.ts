/** Counts by a key of a small, closed set. */
export class Counts<K> {
  readonly #counts = new Map<K, number>();

  /** @param keys those that are there with zero from the beginning. */
  constructor(keys: Iterable<K> = []) {
    for (const key of keys) this.#counts.set(key, 0);
  }

  add(key: K): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  get(key: K): number {
    return this.#counts.get(key) ?? 0;
  }

  entries(): Iterable<readonly [K, number]> {
    return this.#counts.entries();
  }
}
