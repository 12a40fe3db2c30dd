import type { Socket } from "node:net";
import { nextTick } from "node:process";
import type { HttpExchange } from "../downstream.ts";
import type { HttpListener, ListenerOptions, ListenHttp } from "../listener.ts";
import { createConnectionQueue } from "./connection-queue.ts";
import type { PipelineBudget } from "../shared/pipeline-budget.ts";
import { createPipelineBudget } from "../shared/pipeline-budget.ts";
import type { RequestCount } from "../shared/request-count.ts";
import { startNodeServer } from "./server.ts";

/** Reads connections before Node's server does, as far as it understands what comes on them. */
export interface Front {
  accept(socket: Socket, handOver: HandOver): void;
}

/**
 * Gives a connection to Node's server.
 *
 * @param bytes nothing has used them.
 * @param isPipelined they have waited for the response to the request before them.
 */
export type HandOver = (bytes: Buffer, isPipelined: boolean) => void;

/** What the lanes of a listener share. */
export interface LanesShare {
  readonly budget: PipelineBudget;
  readonly requests: RequestCount;
}

export function createLanesShare({ pipeline }: Pick<ListenerOptions, "pipeline">): LanesShare {
  return { budget: createPipelineBudget(pipeline), requests: { begun: 0 } };
}

/** Starts a listener on `node:http` or `node:https`. */
export const listenOnNode: ListenHttp = (options, handle) =>
  listenBehind(undefined, createLanesShare(options), options, handle);

/**
 * Starts a listener of Node's server, which gets connections from a front.
 *
 * @param front absent: it gets all at once.
 */
export async function listenBehind(
  front: Front | undefined,
  { budget, requests }: LanesShare,
  options: ListenerOptions,
  handle: (exchange: HttpExchange) => Promise<void>,
): Promise<HttpListener> {
  const { onError, onOverflow } = options;
  const enqueue = createConnectionQueue(budget, {
    onError(error, socket) {
      onError(error);
      socket.destroy();
    },
    onOverflow,
  });
  /** Connections whose next request was pipelined: it must not become a handshake. */
  const pipelined = new WeakSet<Socket>();
  const onConnection = (socket: Socket, attach: () => void): void => {
    if (front === undefined) return enqueue.accept(socket, () => attachInOrder(socket, attach, NOTHING));
    front.accept(socket, (bytes, isPipelined) => {
      if (isPipelined) pipelined.add(socket);
      // Nothing is read before Node's server listens, which may have to wait.
      socket.pause();
      enqueue.accept(socket, () => {
        attachInOrder(socket, attach, bytes);
        nextTick(() => socket.resume());
      });
    });
  };
  const listener = await startNodeServer(
    {
      ...options,
      requests,
      onConnection,
      isPaused: enqueue.isPaused,
      isUnused: (socket) => !pipelined.has(socket) && enqueue.isUnused(socket),
    },
    (request, response) => {
      pipelined.delete(request.socket);
      const exchange = { request, response };
      void enqueue(exchange, () => handle(exchange));
    },
  );
  return { ...listener, idle: enqueue.idle };
}

const NOTHING = Buffer.alloc(0);

/**
 * Lets Node's server read a connection, of which bytes may have been read before. It gets these in one piece: from then on its parser reads
 * the connection past the buffer of the stream, and would take what comes for what is left there.
 *
 * @param bytes come before those in the buffer.
 */
function attachInOrder(socket: Socket, attach: () => void, bytes: Buffer): void {
  const ahead: unknown = socket.readableLength > 0 ? socket.read() : undefined;
  attach();
  const first = Buffer.isBuffer(ahead) ? Buffer.concat([bytes, ahead]) : bytes;
  if (first.length > 0) socket.unshift(first);
}
