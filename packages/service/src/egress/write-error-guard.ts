import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Lets a connection be read to its end after a write to it has failed: such a write never completes. A target may respond and close
 * before it has read the request (RFC 9112 §9.5), and Node would lose the response, since it destroys a socket at the first failed
 * write.
 *
 * An end is checked with an empty write, since a reset must not look like the end of a body (RFC 9112 §8). It would after a failed
 * write, which consumes the error of the reset, and when it arrives together with data, which libuv reports as an end.
 */
export function guardWriteErrors<T extends Socket>(socket: T): T {
  const push = socket.push.bind(socket);
  const { write, writev } = bindWrites(socket);
  let failure: NodeJS.ErrnoException | undefined;
  let lastCallback: WriteCallback | undefined;
  let guarded: WriteCallback = () => undefined;

  /** Node passes the same callback to every write of a socket. */
  const guard = (callback: WriteCallback): WriteCallback => {
    if (callback === lastCallback) return guarded;
    lastCallback = callback;
    guarded = (error) => {
      if (isPeerGone(error)) failure ??= error;
      else callback(error);
    };
    return guarded;
  };
  const end = (error: NodeJS.ErrnoException | null | undefined): void => {
    if (error?.code === "ECONNRESET") socket.destroy(error);
    else push(null);
  };
  const probeEof = (): void => {
    if (failure !== undefined) end(failure);
    // A pending write fails in this turn of the loop, right after the read.
    else if (socket.writableLength > 0) setImmediate(() => end(failure));
    else write("", "latin1", end);
  };
  socket._write = (chunk: unknown, encoding, callback) => write(chunk, encoding, guard(callback));
  socket._writev = (chunks, callback) => writev(chunks, guard(callback));
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null) return push(chunk, encoding);
    probeEof();
    return false;
  };
  return socket;
}

type WriteCallback = Parameters<Duplex["_write"]>[2];

function bindWrites(socket: Socket): {
  readonly write: Duplex["_write"];
  readonly writev: NonNullable<Duplex["_writev"]>;
} {
  const { _write: write, _writev: writev } = socket;
  if (writev === undefined) throw new TypeError("a socket writes several pieces at once");
  return { write: write.bind(socket), writev: writev.bind(socket) };
}

/** ECONNRESET: the other side has reset. EPIPE: it has ended its side and then reset, or a write has failed before. */
function isPeerGone(error: Error | null | undefined): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
