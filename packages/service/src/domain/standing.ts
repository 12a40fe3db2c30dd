/** Entries that are idle are dropped once there are this many in all, or twice as many as were left the last time. */
const DROP_AT = 1_024;

/** What is kept for each key. */
export interface StandingRules<K, V> {
  make(key: K): V;
  isIdle(value: V): boolean;
  /** Told of each entry that was dropped. */
  dropped?(key: K, value: V): void;
}

/**
 * Something for each key, made when it is first asked for, that stays when it is idle: who came once mostly comes again.
 * Made and deleted with each request instead, entries would cost more than what they are for (see `roster.ts`).
 */
export class Standing<K, V> {
  readonly #rules: StandingRules<K, V>;
  readonly #entries = new Map<K, V>();
  #dropAt = DROP_AT;

  constructor(rules: StandingRules<K, V>) {
    this.#rules = rules;
  }

  at(key: K): V {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#dropAt) this.#dropIdle();
    const made = this.#rules.make(key);
    this.#entries.set(key, made);
    return made;
  }

  #dropIdle(): void {
    for (const [key, value] of this.#entries) {
      if (!this.#rules.isIdle(value)) continue;
      this.#entries.delete(key);
      this.#rules.dropped?.(key, value);
    }
    this.#dropAt = Math.max(DROP_AT, this.#entries.size * 2);
  }
}
