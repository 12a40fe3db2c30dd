import type { Indexed } from "./swap-remove-list.ts";

/**
 * A binary heap: its first item is found in constant time, any item is added, moved and deleted in logarithmic time. An item is
 * in one heap at a time.
 */
export class MaxHeap<T extends Indexed> {
  readonly #items: T[] = [];
  readonly #isBefore: (one: T, other: T) => boolean;

  /** @param isBefore a total order. When it changes for an item, that item has to be moved. */
  constructor(isBefore: (one: T, other: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    item.index = this.#items.push(item) - 1;
    this.move(item);
  }

  /** Restores the order, after the one of this item has changed. */
  move(item: T): void {
    this.#sinkFrom(this.#riseFrom(item.index, item), item);
  }

  delete(item: T): void {
    const { index } = item;
    if (this.#items[index] !== item) return;
    item.index = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#put(index, last);
    this.move(last);
  }

  /** Moves items down until the item can be put at the returned index. */
  #riseFrom(from: number, item: T): number {
    let at = from;
    for (; at > 0;) {
      const parentIndex = (at - 1) >> 1;
      const parent = this.#items[parentIndex];
      if (parent === undefined || !this.#isBefore(item, parent)) break;
      this.#put(at, parent);
      at = parentIndex;
    }
    return at;
  }

  #sinkFrom(from: number, item: T): void {
    let at = from;
    for (;;) {
      const child = this.#firstChild(at);
      if (child === undefined || !this.#isBefore(child, item)) break;
      const { index } = child;
      this.#put(at, child);
      at = index;
    }
    this.#put(at, item);
  }

  #firstChild(at: number): T | undefined {
    const [left, right] = [this.#items[2 * at + 1], this.#items[2 * at + 2]];
    if (left === undefined || right === undefined) return left;
    return this.#isBefore(right, left) ? right : left;
  }

  #put(index: number, item: T): void {
    this.#items[index] = item;
    item.index = index;
  }
}
