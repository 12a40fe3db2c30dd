import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Lets a connection be read to its end after a write to it has failed. A target may answer before it has read the request,
 * and close: the answer is in the kernel when the next write fails, and Node, which ends a socket with the first error of
 * a write, would lose it (RFC 9112 §9.5). Such a write never ends instead: the writer waits, and the end comes from the
 * reading side.
 *
 * Whoever writes takes the news of a reset from whoever reads: after a failed write a reset looks like an end in order. So
 * does one that arrives together with data, which libuv reports as an end. An end is therefore asked for once more, with a
 * write of nothing: a reset must not look like the end of a body (RFC 9112 §8).
 */
export function outliveFailedWrites<T extends Socket>(socket: T): T {
  const push = socket.push.bind(socket);
  const { write, writev } = boundWrites(socket);
  let failure: NodeJS.ErrnoException | undefined;
  let done: WriteCallback | undefined;
  let checked: WriteCallback = () => undefined;

  /** Node hands over the same callback for every write of a socket. */
  const check = (callback: WriteCallback): WriteCallback => {
    if (callback === done) return checked;
    done = callback;
    checked = (error) => {
      if (isOtherSideGone(error)) failure ??= error;
      else callback(error);
    };
    return checked;
  };
  const end = (error: NodeJS.ErrnoException | null | undefined): void => {
    if (error?.code === "ECONNRESET") socket.destroy(error);
    else push(null);
  };
  const askForEnd = (): void => {
    if (failure !== undefined) end(failure);
    // One that waits fails in this turn of the loop, right after the read.
    else if (socket.writableLength > 0) setImmediate(() => end(failure));
    else write("", "latin1", end);
  };
  socket._write = (chunk: unknown, encoding, callback) => write(chunk, encoding, check(callback));
  socket._writev = (chunks, callback) => writev(chunks, check(callback));
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null) return push(chunk, encoding);
    askForEnd();
    return false;
  };
  return socket;
}

type WriteCallback = Parameters<Duplex["_write"]>[2];

function boundWrites(socket: Socket): {
  readonly write: Duplex["_write"];
  readonly writev: NonNullable<Duplex["_writev"]>;
} {
  const { _write: write, _writev: writev } = socket;
  if (writev === undefined) throw new TypeError("a socket writes several pieces at once");
  return { write: write.bind(socket), writev: writev.bind(socket) };
}

/** ECONNRESET: the other side has reset. EPIPE: it has ended its side and reset then, or a write has failed before. */
function isOtherSideGone(error: Error | null | undefined): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
