import type { Socket } from "node:net";
import type { Awaitable } from "../domain/awaitable.ts";

/** Does something when its turn has come; nothing is promised for what is done at once. */
export interface Turns {
  (socket: Socket, act: () => Promise<void>): Promise<void>;
  (socket: Socket, act: () => Awaitable<void>): Awaitable<void>;
}

/**
 * One request after the other on each connection. Node hands over pipelined requests all at once, and one connection
 * could have hundreds under way whose answers nobody can read yet.
 */
export function createTurns(): Turns {
  const last = new WeakMap<Socket, Promise<void>>();
  function inTurn(socket: Socket, act: () => Promise<void>): Promise<void>;
  function inTurn(socket: Socket, act: () => Awaitable<void>): Awaitable<void>;
  function inTurn(socket: Socket, act: () => Awaitable<void>): Awaitable<void> {
    const before = last.get(socket);
    const turn = before === undefined ? act() : before.then(() => (socket.destroyed ? undefined : act()));
    if (!(turn instanceof Promise)) return undefined;
    const end = (): void => {
      if (last.get(socket) === ended) last.delete(socket);
    };
    // Whoever comes next waits for the end, however it ends.
    const ended = turn.then(end, end);
    last.set(socket, ended);
    return turn;
  }
  return inTurn;
}
