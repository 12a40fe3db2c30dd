/**
 * A queue from which any item can be removed, all in constant time. To find the first item of a `Set` takes as many steps as
 * items were deleted before it; this queue keeps the iterator, which passes each of them once.
 */
export class RemovableQueue<T> {
  readonly #items = new Set<T>();
  #rest: Iterator<T> = this.#items.values();
  #first: T | undefined;

  /** The item that was added first. */
  get first(): T | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#items.size;
  }

  /** @param item is not in the queue. */
  add(item: T): void {
    this.#items.add(item);
    if (this.#items.size > 1) return;
    // The iterator of a queue that was empty has ended.
    this.#rest = this.#items.values();
    this.#advance();
  }

  delete(item: T): void {
    if (this.#items.delete(item) && item === this.#first) this.#advance();
  }

  #advance(): void {
    const next = this.#rest.next();
    this.#first = next.done === true ? undefined : next.value;
  }
}
