import type { Duplex } from "node:stream";

/** How long a client sends nothing before it counts as having stopped, in milliseconds. */
const QUIET_MS = 1_000;

/** A client may go on to send, or leave what was written where it is, for this many times as long. */
const MAX_PERIODS = 10;

/** Nothing that comes on these is a request. */
const LINGERING = new WeakSet<Duplex>();

/**
 * Ends a connection after its last response. What the client still sends is read and dropped, until it ends its side, stops, or has sent
 * for a while: a connection that is closed with unread bytes is reset, and the reset can overtake the response (RFC 9112 §9.6).
 *
 * @param quietMs how long a client sends nothing before it counts as having stopped, in milliseconds.
 */
export function linger(socket: Duplex, quietMs: number = QUIET_MS): void {
  if (socket.destroyed || LINGERING.has(socket)) return;
  LINGERING.add(socket);
  let hasMoved = false;
  socket.on("error", ignore);
  // A parser would take it for requests.
  socket.removeAllListeners("data");
  socket.on("data", () => (hasMoved = true));
  socket.resume();
  // Node's server has stopped the handle of a paused socket, and with its own listeners gone nothing else starts it again.
  socket._read(0);
  if (socket.writable) socket.end();
  let periods = 0;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (socket.destroyed) return;
    periods += 1;
    const isQuiet = !hasMoved && socket.writableFinished;
    if (isQuiet || periods === MAX_PERIODS) return void socket.destroy();
    hasMoved = false;
    wait();
  };
  const wait = (): void => {
    clearTimeout(timer);
    // After what has arrived meanwhile was read: the event loop may have been blocked for as long.
    timer = setTimeout(() => setImmediate(look), quietMs);
  };
  socket.once("finish", wait);
  socket.once("close", () => clearTimeout(timer));
  wait();
}

export function isLingering(socket: Duplex): boolean {
  return LINGERING.has(socket);
}

function ignore(): void {}
