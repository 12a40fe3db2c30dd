/** How much is kept. */
export interface FairLruLimits {
  readonly entries: number;
  readonly bytes: number;
}

interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly bytes: number;
  readonly owner: Owner<K, V>;
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

/** One that entries belong to, with those of it that are kept, from the longest unused to the latest. */
interface Owner<K, V> {
  readonly name: string;
  oldest: Entry<K, V> | undefined;
  newest: Entry<K, V> | undefined;
  entries: number;
  bytes: number;
  /** Logarithm of what it has. */
  rank: number;
}

/**
 * Keeps what was used last, for many owners. What goes when it is full is the longest unused of one that has most, to a factor of
 * two: whoever fills it pushes out its own, and one that has less than half as much as another loses nothing to it. For one owner
 * alone it is an LRU cache.
 */
export class FairLru<K, V> {
  readonly #limits: FairLruLimits;
  readonly #dropped: (value: V, key: K) => void;
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #owners = new Map<string, Owner<K, V>>();
  /** Owners by their rank. */
  readonly #ranks: Set<Owner<K, V>>[] = [];
  #bytes = 0;

  /** @param dropped is told of each value that is no longer kept. */
  constructor(limits: FairLruLimits, dropped: (value: V, key: K) => void = () => undefined) {
    this.#limits = limits;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.newer !== undefined) {
      unlink(entry);
      append(entry);
    }
    return entry.value;
  }

  /** @returns whether it is kept: nothing is that is larger than all that may be kept together. */
  set(key: K, value: V, { owner: name, bytes }: { readonly owner: string; readonly bytes: number }): boolean {
    this.delete(key);
    if (bytes > this.#limits.bytes) return false;
    const owner = this.#ownerOf(name);
    const entry: Entry<K, V> = { key, value, bytes, owner, older: undefined, newer: undefined };
    append(entry);
    this.#entries.set(key, entry);
    this.#charge(owner, 1, bytes);
    while (this.#entries.size > this.#limits.entries || this.#bytes > this.#limits.bytes) {
      const oldest = this.#largest(owner).oldest;
      if (oldest === undefined) break;
      this.delete(oldest.key);
    }
    return this.#entries.has(key);
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    unlink(entry);
    this.#charge(entry.owner, -1, -entry.bytes);
    this.#dropped(entry.value, key);
  }

  #ownerOf(name: string): Owner<K, V> {
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const owner = { name, oldest: undefined, newest: undefined, entries: 0, bytes: 0, rank: -1 };
    this.#owners.set(name, owner);
    return owner;
  }

  #charge(owner: Owner<K, V>, entries: number, bytes: number): void {
    owner.entries += entries;
    owner.bytes += bytes;
    this.#bytes += bytes;
    const rank = owner.entries === 0 ? -1 : this.#rankOf(owner);
    if (rank === owner.rank) return;
    this.#ranks[owner.rank]?.delete(owner);
    if (rank === -1) this.#owners.delete(owner.name);
    else (this.#ranks[rank] ??= new Set()).add(owner);
    owner.rank = rank;
  }

  /** What it has of all: the larger of its parts of the entries and of the bytes. */
  #rankOf({ entries, bytes }: Owner<K, V>): number {
    const part = Math.max(entries / this.#limits.entries, bytes / this.#limits.bytes);
    return Math.max(0, RANKS + Math.floor(Math.log2(part)));
  }

  /** @param preferred if no other has more, to a factor of two. */
  #largest(preferred: Owner<K, V>): Owner<K, V> {
    for (let rank = this.#ranks.length - 1; rank > preferred.rank; rank -= 1)
      for (const owner of this.#ranks[rank] ?? []) return owner;
    return preferred;
  }
}

/** Parts under one in 2^RANKS are alike. */
const RANKS = 40;

function unlink<K, V>(entry: Entry<K, V>): void {
  const { owner, older, newer } = entry;
  if (older === undefined) owner.oldest = newer;
  else older.newer = newer;
  if (newer === undefined) owner.newest = older;
  else newer.older = older;
  entry.older = undefined;
  entry.newer = undefined;
}

function append<K, V>(entry: Entry<K, V>): void {
  const { owner } = entry;
  entry.older = owner.newest;
  if (owner.newest === undefined) owner.oldest = entry;
  else owner.newest.newer = entry;
  owner.newest = entry;
}
