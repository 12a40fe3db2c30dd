/** What stands on a roster, and where. A member stands on one roster at a time. */
export interface Enrolled {
  /** Index on the roster; -1: on none. The roster's to write. */
  place: number;
}

/**
 * Those that are under way, for as long as they are. A Set would do, but for what it leaves behind: V8 gives a Set that is
 * added to and deleted from a new table every few dozen requests, each old table leads to the next one, and so one of them
 * that grew old keeps all that ever stood in the others alive until the whole heap is collected. It made half of what an
 * invocation cost.
 */
export class Roster<T extends Enrolled> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    member.place = this.#members.push(member) - 1;
  }

  /** @returns whether it stood there. */
  delete(member: T): boolean {
    const { place } = member;
    if (this.#members[place] !== member) return false;
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = -1;
    return true;
  }

  /** Calls `act` with each member that stands there now; it may delete any. */
  forEach(act: (member: T) => void): void {
    for (const member of this.#members.slice()) if (member.place !== -1) act(member);
  }
}
