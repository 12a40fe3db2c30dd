/** How much the cache may hold. */
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

/** An owner, and its entries from the least to the most recently used. */
interface Owner<K, V> {
  readonly name: string;
  oldest: Entry<K, V> | undefined;
  newest: Entry<K, V> | undefined;
  entries: number;
  bytes: number;
  /** Logarithm of the owner's share. */
  rank: number;
}

/**
 * An LRU cache that many owners share. When it is full it evicts the least recently used entry of an owner with the largest
 * share, to a factor of two: an owner that fills the cache evicts its own entries, and one with less than half of another's
 * share loses nothing to it.
 */
export class FairLru<K, V> {
  readonly #limits: FairLruLimits;
  readonly #onEvict: (value: V, key: K) => void;
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #owners = new Map<string, Owner<K, V>>();
  /** Owners by their rank. */
  readonly #ranks: Set<Owner<K, V>>[] = [];
  #bytes = 0;

  /** @param onEvict called with each value that is evicted or replaced. */
  constructor(limits: FairLruLimits, onEvict: (value: V, key: K) => void = () => undefined) {
    this.#limits = limits;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
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

  /** @returns whether it is kept; a value larger than the whole cache is not. */
  set(key: K, value: V, { owner: name, bytes }: { readonly owner: string; readonly bytes: number }): boolean {
    this.delete(key);
    if (bytes > this.#limits.bytes) return false;
    const owner = this.#ownerOf(name);
    const entry: Entry<K, V> = { key, value, bytes, owner, older: undefined, newer: undefined };
    append(entry);
    this.#entries.set(key, entry);
    this.#addUsage(owner, 1, bytes);
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
    this.#addUsage(entry.owner, -1, -entry.bytes);
    this.#onEvict(entry.value, key);
  }

  #ownerOf(name: string): Owner<K, V> {
    const known = this.#owners.get(name);
    if (known !== undefined) return known;
    const owner = { name, oldest: undefined, newest: undefined, entries: 0, bytes: 0, rank: -1 };
    this.#owners.set(name, owner);
    return owner;
  }

  #addUsage(owner: Owner<K, V>, entries: number, bytes: number): void {
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

  /** An owner's share is the larger of its share of the entries and its share of the bytes. */
  #rankOf({ entries, bytes }: Owner<K, V>): number {
    const part = Math.max(entries / this.#limits.entries, bytes / this.#limits.bytes);
    return Math.max(0, RANK_COUNT + Math.floor(Math.log2(part)));
  }

  /** @param preferred taken unless another owner has more, to a factor of two. */
  #largest(preferred: Owner<K, V>): Owner<K, V> {
    for (let rank = this.#ranks.length - 1; rank > preferred.rank; rank -= 1)
      for (const owner of this.#ranks[rank] ?? []) return owner;
    return preferred;
  }
}

/** Shares under one in 2^RANKS have the same rank. */
const RANK_COUNT = 40;

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
