/**
 * A set that has one member most of the time, for which it takes no more memory than an object. A `Set` takes some 200 bytes, whatever it
 * has.
 */
export class SmallSet<T extends object | string> {
  #only: T | undefined;
  /** Present once there was more than one. */
  #all: Set<T> | undefined;

  get isEmpty(): boolean {
    return this.#only === undefined && (this.#all === undefined || this.#all.size === 0);
  }

  add(member: T): void {
    if (this.#all !== undefined) this.#all.add(member);
    else if (this.#only === undefined || this.#only === member) this.#only = member;
    else {
      this.#all = new Set([this.#only, member]);
      this.#only = undefined;
    }
  }

  delete(member: T): void {
    if (this.#only === member) this.#only = undefined;
    this.#all?.delete(member);
  }

  forEach(visit: (member: T) => void): void {
    if (this.#only !== undefined) visit(this.#only);
    this.#all?.forEach(visit);
  }
}
