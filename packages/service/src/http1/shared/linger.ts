import type { Duplex } from "node:stream";

/** How long what a client still sends is read after the last response, in milliseconds. */
const LINGER_MS = 1_000;

/** Nothing that comes on these is a request. */
const LINGERING = new WeakSet<Duplex>();

/**
 * Ends a connection after its last response. What the client still sends is read and dropped, until it ends its side or for a while: a
 * connection that is closed with unread bytes is reset, and the reset can overtake the response (RFC 9112 §9.6).
 */
export function linger(socket: Duplex): void {
  if (socket.destroyed || LINGERING.has(socket)) return;
  LINGERING.add(socket);
  socket.on("error", ignore);
  // A parser would take it for requests.
  socket.removeAllListeners("data");
  socket.on("data", ignore);
  socket.resume();
  if (socket.writable) socket.end();
  const begin = (): void => {
    // After what has arrived meanwhile was read: the event loop may have been blocked for as long.
    const timer = setTimeout(() => setImmediate(() => socket.destroy()), LINGER_MS);
    socket.once("close", () => clearTimeout(timer));
  };
  if (socket.writableFinished) begin();
  else socket.once("finish", begin);
}

export function isLingering(socket: Duplex): boolean {
  return LINGERING.has(socket);
}

function ignore(): void {}
