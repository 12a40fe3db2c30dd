import type { Socket } from "node:net";
import { SMALL_CHUNK_BYTES, Slabs } from "../../collections/slabs.ts";

/**
 * Joins small pieces that arrive on a client's connection while others wait for their reader. Node counts bytes, not pieces: a client
 * that sends TLS records of one byte to a target that does not read would take megabytes.
 */
export function joinSmallReads(socket: Socket): void {
  const push = socket.push.bind(socket);
  const read = socket.read.bind(socket);
  const waiting = new Slabs();
  const flush = (): void => {
    if (waiting.length > 0) for (const slab of waiting.take()) push(slab);
  };
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (Buffer.isBuffer(chunk) && chunk.length < SMALL_CHUNK_BYTES && socket.readableLength > 0) {
      waiting.append(chunk);
      return socket.readableLength + waiting.length < socket.readableHighWaterMark;
    }
    flush();
    return push(chunk, encoding);
  };
  socket.read = (size?: number): unknown => {
    // A read of no bytes takes nothing: streams ask themselves for more with it.
    if (size !== 0) flush();
    return read(size);
  };
}
