import type { Socket } from "node:net";

/** As large as the pool from which Node takes small buffers, so that one of them keeps no more in memory. */
const SLAB_BYTES = 8 * 1024;

/** What is longer gets a buffer for itself. */
const MAX_SHARED_BYTES = SLAB_BYTES / 2;

/**
 * Joins the parts of a message in one buffer, since a write of several costs more, and writes it. The memory of what a socket has taken at
 * once, which is nearly always all, is used again: a buffer for each response would be garbage.
 */
export class WriteSlab {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** How many bytes of it sockets may still read. */
  #used = 0;

  /**
   * @param before one character a byte.
   * @param after one character a byte.
   * @returns whether the socket has room for more.
   */
  write(
    socket: Socket,
    before: string,
    piece: Buffer,
    after: string,
    written?: (error?: Error | null) => void,
  ): boolean {
    const bytes = this.#take(before.length + piece.length + after.length);
    bytes.write(before, 0, "latin1");
    bytes.set(piece, before.length);
    if (after !== "") bytes.write(after, before.length + piece.length, "latin1");
    const isRoom = socket.write(bytes, written);
    // Nothing waits in the socket: the operating system has a copy.
    if (socket.writableLength > 0 && bytes.buffer === this.#slab.buffer) this.#used += bytes.length;
    return isRoom;
  }

  #take(length: number): Buffer {
    if (length > MAX_SHARED_BYTES) return Buffer.allocUnsafeSlow(length);
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    return this.#slab.subarray(this.#used, this.#used + length);
  }
}
