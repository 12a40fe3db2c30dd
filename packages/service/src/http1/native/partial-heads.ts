import type { Socket } from "node:net";
import type { DownstreamConnection } from "../downstream.ts";
import type { ListenerOptions } from "../listener.ts";
import { isLingering, linger } from "../shared/linger.ts";

/** A connection, and since when the rest of its head is awaited. */
interface PartialHead {
  readonly socket: Socket;
  readonly since: number;
}

/**
 * Heads that began on the fast lane, and of which Node's server gets the rest. It gives each its whole time again when it gets the
 * connection: without this, a client would have twice the limit.
 */
export class PartialHeads {
  readonly #options: Pick<ListenerOptions, "requestHeaderTimeoutMs" | "rejectionBytes">;
  readonly #heads = new Map<DownstreamConnection, PartialHead>();

  constructor(options: Pick<ListenerOptions, "requestHeaderTimeoutMs" | "rejectionBytes">) {
    this.#options = options;
  }

  add(socket: Socket, since: number): void {
    this.#heads.set(socket, { socket, since });
  }

  /** The head of the connection, if it was a part, is whole. */
  delete(connection: DownstreamConnection): void {
    this.#heads.delete(connection);
  }

  /** Refuses those that take too long, and forgets those that were refused or disconnected. */
  tick(now: number): void {
    for (const { socket, since } of this.#heads.values()) {
      if (socket.destroyed || isLingering(socket)) this.#heads.delete(socket);
      // Node's server does not read a paused connection, or not yet: what it starts to read must not have been refused.
      else if (now - since >= this.#options.requestHeaderTimeoutMs && !socket.isPaused()) {
        this.#heads.delete(socket);
        socket.write(this.#options.rejectionBytes("request_timeout"));
        linger(socket);
      }
    }
  }
}
