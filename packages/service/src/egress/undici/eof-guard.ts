import type { Socket } from "node:net";
import { nextTick } from "node:process";
import { SMALL_CHUNK_BYTES, Slabs } from "../../collections/slabs.ts";

/**
 * Delays the end of a connection until its reader has taken all that came before. Undici 7 ends the process when a
 * connection that is not kept alive ends while a slow client pauses the response: it finishes its parser while that is
 * paused (https://github.com/nodejs/undici/issues/5360). Any target could do that to all others. An end by a failed read is
 * delayed too: what came before a reset may be a whole response.
 *
 * Undici reads until nothing is left, unless it is paused. So it is paused from a read that returned something until a read that
 * returns nothing.
 *
 * Small pieces that arrive while others wait are joined: Node counts bytes, not pieces, and a response in TLS records of one byte
 * would take megabytes.
 *
 * The bytes that undici gives back when it is paused are returned only by the next reads, without bytes that came later. Otherwise
 * undici, which reads all there is, would have the whole response in memory for a slow client, and copy it at each pause.
 */
export function guardEof<T extends Socket>(socket: T): T {
  const push = socket.push.bind(socket);
  const read = socket.read.bind(socket);
  const destroy = socket.destroy.bind(socket);
  const unshift = socket.unshift.bind(socket);
  /** Bytes that were given back and not read again. */
  let returned = 0;
  let isReaderPaused = false;
  let pendingEnd: (() => void) | undefined;

  const mustWait = (): boolean => isReaderPaused || socket.readableLength > 0;
  /** Called in a later turn: the reader may pause again after the read that found nothing. */
  const end = (): void => {
    if (pendingEnd === undefined || mustWait()) return;
    const finish = pendingEnd;
    pendingEnd = undefined;
    finish();
  };
  const buffered = new Slabs();
  const flush = (): void => {
    if (buffered.length > 0) for (const slab of buffered.take()) push(slab);
  };
  /** No more than the high-water mark: Node would raise it. Nothing was given back: everything is read. */
  const nextSize = (): number | undefined => {
    if (returned === 0) return undefined;
    const size = Math.min(returned, socket.readableHighWaterMark);
    returned -= size;
    return size;
  };
  socket.unshift = (chunk: Buffer) => {
    returned += chunk.length;
    unshift(chunk);
  };
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (Buffer.isBuffer(chunk) && chunk.length < SMALL_CHUNK_BYTES && socket.readableLength > 0) {
      buffered.append(chunk);
      return socket.readableLength + buffered.length < socket.readableHighWaterMark;
    }
    flush();
    if (chunk !== null || !mustWait()) return push(chunk, encoding);
    pendingEnd = () => void push(null);
    return false;
  };
  socket.destroy = (error?: Error) => {
    if (error === undefined || !isReadError(error) || !mustWait()) return destroy(error);
    pendingEnd = () => void destroy(error);
    return socket;
  };
  socket.read = (size?: number): unknown => {
    if (size !== 0) flush();
    const chunk: unknown = read(size ?? nextSize());
    // Nothing is taken by a read of no bytes: streams ask themselves for more with it.
    if (size === 0) return chunk;
    isReaderPaused = chunk !== null;
    if (pendingEnd !== undefined && !isReaderPaused) nextTick(end);
    return chunk;
  };
  return socket;
}

function isReadError(error: Error): boolean {
  return "syscall" in error && error.syscall === "read";
}
