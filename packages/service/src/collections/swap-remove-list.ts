/** What stands on a roster, and where. A member stands on one roster at a time. */
export interface Indexed {
  /** Index on the roster; -1: on none. The roster's to write. */
  index: number;
}

/**
 * Those that are under way, for as long as they are. A Set would do, but for what it leaves behind: V8 gives a Set that is
 * added to and deleted from a new table every few dozen requests, each old table leads to the next one, and so one of them
 * that grew old keeps all that ever stood in the others alive until the whole heap is collected. It made half of what an
 * invocation cost.
 */
export class SwapRemoveList<T extends Indexed> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    item.index = this.#items.push(item) - 1;
  }

  /** @returns whether it stood there. */
  delete(item: T): boolean {
    const { index } = item;
    if (this.#items[index] !== item) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[index] = last;
      last.index = index;
    }
    item.index = -1;
    return true;
  }

  /** Calls `act` with each member that stands there now; it may delete any. */
  forEach(callback: (item: T) => void): void {
    for (const member of this.#items.slice()) if (member.index !== -1) callback(member);
  }
}
