import type { Socket } from "node:net";

/** Controls which connections of a `node:http` server are read. */
export interface ReadControl {
  /**
   * Must be called for every new connection.
   *
   * @param attach hands the connection to Node's HTTP server: at once, or when reading resumes. Until then its bytes wait unparsed.
   */
  accept(socket: Socket, attach: () => void): void;
  pause(socket: Socket): void;
  resume(socket: Socket): void;
  /** Pauses all connections until those that were closed have freed their memory. */
  pauseAll(): void;
  /** Whether the connection is paused by {@link pause}. */
  isPaused(socket: object): boolean;
}

/** A connection that is paused, and whether Node would read it. */
interface PausedConnection {
  /** How often it was paused and not resumed. */
  pauses: number;
  shouldResume: boolean;
  readonly onResume: () => void;
}

/**
 * Makes a control for the connections of one server.
 *
 * Node also resumes a socket itself, when a body is read or dropped and when responses have drained. The `resume` event comes in
 * the same turn, so a listener pauses the socket again before a byte is read. A socket that Node has paused, because its client
 * reads no responses, is not resumed here (Node 20 to 26).
 */
export function createReadControl(): ReadControl {
  const open = new Set<Socket>();
  const states = new WeakMap<object, PausedConnection>();
  /** Connections that `pause` has paused, and `resume` has not resumed. */
  const pausedByCaller = new WeakSet<object>();
  /** Callbacks for when reading resumes; absent while connections are read. */
  let deferred: (() => void)[] | undefined;

  const pauseSocket = (socket: Socket): void => {
    const existing = states.get(socket);
    if (existing !== undefined) return void (existing.pauses += 1);
    const state: PausedConnection = {
      pauses: 1,
      shouldResume: !socket.isPaused(),
      onResume() {
        state.shouldResume = true;
        // Paused between `resume` and its event, it tells no other pause, though Node has just begun to read it.
        if (socket.isPaused()) socket.emit("pause");
        else socket.pause();
      },
    };
    states.set(socket, state);
    socket.on("resume", state.onResume);
    socket.pause();
  };
  const resumeSocket = (socket: Socket): void => {
    const state = states.get(socket);
    if (state === undefined) return;
    state.pauses -= 1;
    if (state.pauses > 0) return;
    states.delete(socket);
    socket.off("resume", state.onResume);
    if (state.shouldResume && !socket.destroyed) socket.resume();
  };

  return {
    accept(socket, attach) {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      if (deferred === undefined) return attach();
      // A TLS handshake can finish meanwhile, with requests after it in the same bytes.
      deferred.push(() => void (socket.destroyed || attach()));
      socket.on("error", () => undefined);
    },
    pause(socket) {
      if (pausedByCaller.has(socket)) return;
      pausedByCaller.add(socket);
      pauseSocket(socket);
    },
    resume(socket) {
      if (pausedByCaller.delete(socket)) resumeSocket(socket);
    },
    pauseAll() {
      if (deferred !== undefined) return;
      const all = [...open].filter((socket) => !socket.destroyed);
      all.forEach(pauseSocket);
      const actions = [() => all.forEach(resumeSocket)];
      deferred = actions;
      const resumeAll = (): void => {
        deferred = undefined;
        actions.forEach((act) => act());
      };
      // A closed socket frees its requests at the end of this turn of the event loop.
      setImmediate(() => setImmediate(resumeAll));
    },
    isPaused: (socket) => pausedByCaller.has(socket),
  };
}
