import type { Socket } from "node:net";

/**
 * One request after the other on each connection. Node hands over pipelined requests all at once, and one connection
 * could have hundreds under way whose answers nobody can read yet.
 */
export function createTurns(): (socket: Socket, act: () => Promise<void>) => Promise<void> {
  const last = new WeakMap<Socket, Promise<void>>();
  return async (socket, act) => {
    const before = last.get(socket);
    const turn = before === undefined ? act() : before.then(() => (socket.destroyed ? undefined : act()));
    // Whoever comes next waits for the end, however it ends.
    const ended = turn.catch(() => undefined);
    last.set(socket, ended);
    try {
      await turn;
    } finally {
      if (last.get(socket) === ended) last.delete(socket);
    }
  };
}
