import { Slabs } from "../../collections/slabs.ts";
import { ownBytes } from "../../collections/own-bytes.ts";

/**
 * Bytes that wait until they are read. What is taken out, and put back for its rest, is copied only when half of it is gone: thousands of
 * requests may be in one read of a connection, and a few bytes of the next one must not keep the whole read. Pieces that come meanwhile are
 * copied together, since a client may send them byte by byte.
 */
export class HeldBytes {
  #first: Buffer | undefined;
  #later: Slabs | undefined;

  get length(): number {
    return (this.#first?.length ?? 0) + (this.#later?.length ?? 0);
  }

  add(bytes: Buffer): void {
    if (this.#first === undefined) this.#first = ownBytes(bytes);
    else (this.#later ??= new Slabs()).append(bytes);
  }

  /** @returns all of them, or nothing if none waits. */
  take(): Buffer | undefined {
    const [first, later] = [this.#first, this.#later];
    this.#first = this.#later = undefined;
    return first === undefined || later === undefined ? first : Buffer.concat([first, ...later.take()]);
  }
}
