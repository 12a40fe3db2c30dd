import type { Socket } from "node:net";
import { nextTick } from "node:process";
import { SMALL_PIECE_BYTES, Slabs } from "../collections/slabs.ts";

/**
 * Keeps the end of a connection back until its reader has taken all that came before. Undici 7 ends the process when a
 * connection that is not to be kept comes to its end while a slow requester holds the answer back: its parser, paused, is
 * told to finish (https://github.com/nodejs/undici/issues/5360). Any target could do that to all others. An end by a
 * failed read is kept back too: what came before a reset may be a whole answer.
 *
 * Undici reads until there is nothing left, unless it is paused. So its latest read tells: it is paused from one that gave
 * something until one that gives nothing.
 *
 * Small pieces that come while others wait are joined: Node counts bytes, not pieces, and a response in TLS records of one byte
 * would take megabytes.
 */
export function holdEnd<T extends Socket>(socket: T): T {
  const push = socket.push.bind(socket);
  const read = socket.read.bind(socket);
  const destroy = socket.destroy.bind(socket);
  let isHeld = false;
  let ending: (() => void) | undefined;

  const isAwaited = (): boolean => isHeld || socket.readableLength > 0;
  /** Later: the reader may pause again after the read that found nothing. */
  const end = (): void => {
    if (ending === undefined || isAwaited()) return;
    const now = ending;
    ending = undefined;
    now();
  };
  const joined = new Slabs();
  const passOn = (): void => {
    if (joined.length > 0) for (const slab of joined.take()) push(slab);
  };
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (Buffer.isBuffer(chunk) && chunk.length < SMALL_PIECE_BYTES && socket.readableLength > 0) {
      joined.append(chunk);
      return socket.readableLength + joined.length < socket.readableHighWaterMark;
    }
    passOn();
    if (chunk !== null || !isAwaited()) return push(chunk, encoding);
    ending = () => void push(null);
    return false;
  };
  socket.destroy = (error?: Error) => {
    if (error === undefined || !isOfReading(error) || !isAwaited()) return destroy(error);
    ending = () => void destroy(error);
    return socket;
  };
  socket.read = (size?: number): unknown => {
    if (size !== 0) passOn();
    const chunk: unknown = read(size);
    // Nothing is taken by a read of no bytes: streams ask themselves for more with it.
    if (size === 0) return chunk;
    isHeld = chunk !== null;
    if (ending !== undefined && !isHeld) nextTick(end);
    return chunk;
  };
  return socket;
}

function isOfReading(error: Error): boolean {
  return "syscall" in error && error.syscall === "read";
}
