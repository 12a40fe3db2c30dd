import { Slabs } from "../../collections/slabs.ts";

/**
 * Bytes that wait until they are read. What is taken out, and put back for its rest, is not copied: thousands of requests may be in one
 * read of a connection. Pieces that come meanwhile are copied together, since a client may send them byte by byte.
 */
export class HeldBytes {
  #first: Buffer | undefined;
  #later: Slabs | undefined;

  get length(): number {
    return (this.#first?.length ?? 0) + (this.#later?.length ?? 0);
  }

  add(bytes: Buffer): void {
    if (this.#first === undefined) this.#first = bytes;
    else (this.#later ??= new Slabs()).append(bytes);
  }

  /** @returns all of them, or nothing if none waits. */
  take(): Buffer | undefined {
    const [first, later] = [this.#first, this.#later];
    this.#first = this.#later = undefined;
    return first === undefined || later === undefined ? first : Buffer.concat([first, ...later.take()]);
  }
}
