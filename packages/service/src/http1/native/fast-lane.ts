import type { Socket } from "node:net";
import { SwapRemoveList } from "../../collections/swap-remove-list.ts";
import type { DownstreamConnection, HttpExchange } from "../downstream.ts";
import type { ListenerOptions } from "../listener.ts";
import type { Front, HandOver, LanesShare } from "../node/listen.ts";
import type { Lane } from "./connection.ts";
import { NativeConnection } from "./connection.ts";
import { HeadWriter } from "./head-writer.ts";
import { PartialHeads } from "./partial-heads.ts";
import { WriteSlab } from "./write-slab.ts";

/** How often connections are looked at that take too long, in milliseconds. */
const TICK_MS = 250;

/** The connections of the fast lane, and the timer that ends those that take too long. */
export class FastLane implements Front {
  readonly #connections = new SwapRemoveList<NativeConnection>();
  readonly #shared: Lane & { isClosing: boolean };
  readonly #partialHeads: PartialHeads;
  readonly #timer: NodeJS.Timeout;
  #inFlight = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(
    options: ListenerOptions,
    { budget, requests }: LanesShare,
    handle: (exchange: HttpExchange) => Promise<void>,
  ) {
    this.#partialHeads = new PartialHeads(options);
    this.#shared = {
      ...options,
      budget,
      handle,
      headWriter: new HeadWriter(options.keepAliveTimeoutMs),
      writeSlab: new WriteSlab(),
      isClosing: false,
      clock: () => performance.now(),
      onBegin: () => {
        this.#inFlight += 1;
        requests.begun += 1;
      },
      onOver: () => {
        this.#inFlight -= 1;
        if (this.#inFlight === 0) for (const notify of this.#idleWaiters.splice(0)) notify();
      },
      onGone: (connection) => void this.#connections.delete(connection),
      onPartialHead: (socket, since) => this.#partialHeads.add(socket, since),
    };
    this.#timer = setInterval(() => {
      const now = this.#shared.clock();
      this.#partialHeads.tick(now);
      this.#connections.forEach((connection) => connection.tick(now));
    }, TICK_MS).unref();
  }

  accept(socket: Socket, handOver: HandOver): void {
    this.#connections.add(new NativeConnection(socket, this.#shared, handOver));
  }

  /** Node's server has got a head on this connection. */
  onHead(connection: DownstreamConnection): void {
    this.#partialHeads.delete(connection);
  }

  /** Closes connections as they become idle. */
  close(): void {
    this.#shared.isClosing = true;
    this.#connections.forEach((connection) => connection.closeIfIdle());
  }

  /** Call it when no connection is open. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Resolves when no request is in flight. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      else this.#idleWaiters.push(resolve);
    });
  }
}
