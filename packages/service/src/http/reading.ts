import type { Socket } from "node:net";

/** Which connections of a `node:http` server are read. */
export interface Reading {
  /**
   * Must be called for every new connection.
   *
   * @param attach hands the connection to Node's HTTP server: at once, or when reading resumes. Until then its bytes wait unparsed.
   */
  began(socket: Socket, attach: () => void): void;
  pause(socket: Socket): void;
  resume(socket: Socket): void;
  /** Stops reading from all connections until those that were closed have freed their memory. */
  pauseAll(): void;
  /** Whether the connection is paused by {@link pause}. */
  isPaused(socket: object): boolean;
}

/** A connection that is paused, and whether Node would read it. */
interface Held {
  /** How many reasons there are to pause it. */
  count: number;
  isWanted: boolean;
  readonly onResume: () => void;
}

/**
 * Stops and starts the reading of connections.
 *
 * Node resumes a socket by itself when a body is read or dropped, and when responses have drained. The `resume` event comes in
 * the same turn, so a listener pauses the socket again before a byte is read. Node's own pause, for responses that are not
 * read, is kept: a socket that Node has paused is not resumed here (Node 20 to 26).
 */
export function createReading(): Reading {
  const open = new Set<Socket>();
  const held = new WeakMap<object, Held>();
  const paused = new WeakSet<object>();
  /** What to do when reading resumes; absent while connections are read. */
  let later: (() => void)[] | undefined;

  const hold = (socket: Socket): void => {
    const known = held.get(socket);
    if (known !== undefined) return void (known.count += 1);
    const state: Held = {
      count: 1,
      isWanted: !socket.isPaused(),
      onResume() {
        state.isWanted = true;
        socket.pause();
      },
    };
    held.set(socket, state);
    socket.on("resume", state.onResume);
    socket.pause();
  };
  const release = (socket: Socket): void => {
    const state = held.get(socket);
    if (state === undefined) return;
    state.count -= 1;
    if (state.count > 0) return;
    held.delete(socket);
    socket.off("resume", state.onResume);
    if (state.isWanted && !socket.destroyed) socket.resume();
  };

  return {
    began(socket, attach) {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      if (later === undefined) return attach();
      // A TLS handshake can finish meanwhile, with requests after it in the same bytes.
      later.push(() => void (socket.destroyed || attach()));
      socket.on("error", () => undefined);
    },
    pause(socket) {
      if (paused.has(socket)) return;
      paused.add(socket);
      hold(socket);
    },
    resume(socket) {
      if (paused.delete(socket)) release(socket);
    },
    pauseAll() {
      if (later !== undefined) return;
      const all = [...open].filter((socket) => !socket.destroyed);
      all.forEach(hold);
      const onward = [() => all.forEach(release)];
      later = onward;
      const goOn = (): void => {
        later = undefined;
        onward.forEach((act) => act());
      };
      // A closed socket frees its requests at the end of this turn of the event loop.
      setImmediate(() => setImmediate(goOn));
    },
    isPaused: (socket) => paused.has(socket),
  };
}
