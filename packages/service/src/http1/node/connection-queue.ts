import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { NodeResponse } from "./response.ts";
import type { PipelineBudget, PipelineShare } from "../shared/pipeline-budget.ts";
import { REQUESTS_PER_TURN } from "../shared/pipeline-budget.ts";
import { estimateRequestBytes } from "./request-bytes.ts";
import type { ReadControl } from "./read-control.ts";
import { createReadControl } from "./read-control.ts";

/** A request and its response, as Node made them. */
export interface NodeExchange {
  readonly request: IncomingMessage;
  readonly response: NodeResponse;
}

/** Carries out the requests of each connection one after the other. */
export interface ConnectionQueue extends Pick<ReadControl, "accept" | "isPaused"> {
  /** @param task carries out the request when its turn has come. */
  (exchange: NodeExchange, task: () => Promise<void>): Promise<void>;
  /** Whether no request of the connection is in flight or waits. */
  isUnused(socket: Socket): boolean;
  /** Resolves when no request is in flight and none waits. */
  idle(): Promise<void>;
}

/** Called when a connection fails. */
export interface ConnectionQueueEvents {
  /** A task failed; the next one of the connection runs nevertheless. */
  readonly onError: (error: unknown, socket: Socket) => void;
  /** A connection was closed because the requests that wait on it took too much memory. */
  readonly onOverflow: () => void;
}

/** The requests of one connection. */
interface ConnectionState extends PipelineShare {
  /** Settles when the latest task has ended; absent when none is running. */
  lastTask: Promise<void> | undefined;
  /** The response to the latest request. */
  response: ServerResponse;
  isClosing: boolean;
  requestsInTurn: number;
}

/**
 * Runs the requests of each connection one after the other, each after the response before it was written. Node hands over all
 * requests of one read, so a client that reads no responses could have hundreds of thousands wait here. A connection is not
 * read while too many wait, and is closed when all connections together take too much memory.
 */
export function createConnectionQueue(
  budget: PipelineBudget,
  { onError, onOverflow }: ConnectionQueueEvents,
): ConnectionQueue {
  const connections = new WeakMap<Socket, ConnectionState>();
  const readControl = createReadControl();
  let inFlight = 0;
  const idleWaiters: (() => void)[] = [];

  /** Waits, within the budget, until the task before has ended and its response was written. */
  const waitForPrevious = (
    state: ConnectionState,
    previous: ServerResponse,
    request: IncomingMessage,
  ): Promise<void> => {
    const { socket } = request;
    const bytes = estimateRequestBytes(request);
    if (!budget.reserve(state, bytes)) {
      if (!socket.destroyed) onOverflow();
      socket.destroy();
      // Node frees the parsed requests of this connection only after it has read all other connections with data.
      readControl.pauseAll();
    } else if (budget.isFull(state)) readControl.pause(socket);
    return (state.lastTask ?? RESOLVED)
      .then(() => responseFinished(previous, socket))
      .then(() => turnOf(state, socket))
      .then(() => {
        budget.release(state, bytes);
        if (budget.hasRoom(state)) readControl.resume(socket);
      });
  };
  const enqueue = (exchange: NodeExchange, task: () => Promise<void>): Promise<void> => {
    const { request, response } = exchange;
    const { socket } = request;
    // Node still hands over requests that it had read from a connection that is now closed.
    if (socket.destroyed) return RESOLVED;
    const existing = connections.get(socket);
    const state = existing ?? {
      lastTask: undefined,
      response,
      isClosing: false,
      requestsInTurn: 0,
      waiting: 0,
      bytes: 0,
    };
    if (existing === undefined) connections.set(socket, state);
    const previous = state.response;
    state.response = response;
    const runTask = (): Promise<void> => (state.isClosing || socket.destroyed ? RESOLVED : task());
    const isNext =
      state.lastTask === undefined && (existing === undefined || isResponseFinished(previous, socket));
    const result = isNext ? runTask() : waitForPrevious(state, previous, request).then(runTask);
    inFlight += 1;
    const end = (): void => {
      if (state.lastTask === ended) state.lastTask = undefined;
      // No request is carried out after a response that closes the connection: its response could not be sent (RFC 9112 §9.6).
      if (!response.shouldKeepAlive) state.isClosing = true;
      inFlight -= 1;
      if (inFlight === 0) for (const notify of idleWaiters.splice(0)) notify();
    };
    const ended = result.then(end, (error: unknown) => {
      end();
      onError(error, socket);
    });
    state.lastTask = ended;
    return result;
  };
  const idle = (): Promise<void> =>
    new Promise((resolve) => {
      if (inFlight === 0) resolve();
      else idleWaiters.push(resolve);
    });
  const isUnused = (socket: Socket): boolean => {
    const state = connections.get(socket);
    return (
      state === undefined || (state.lastTask === undefined && isResponseFinished(state.response, socket))
    );
  };
  return Object.assign(enqueue, {
    idle,
    isUnused,
    accept: readControl.accept,
    isPaused: readControl.isPaused,
  });
}

const RESOLVED = Promise.resolve();

/**
 * Waits for the next turn of the event loop after {@link REQUESTS_PER_TURN} requests. Those of a closed connection are only given up, and
 * their memory is needed.
 */
function turnOf(state: ConnectionState, socket: Socket): Promise<void> {
  state.requestsInTurn += 1;
  if (socket.destroyed || state.requestsInTurn < REQUESTS_PER_TURN) return RESOLVED;
  state.requestsInTurn = 0;
  return setImmediate();
}

/** Whether the response was written, or never will be. */
function isResponseFinished(response: ServerResponse, socket: Socket): boolean {
  return response.writableFinished || response.destroyed || socket.destroyed;
}

function responseFinished(response: ServerResponse, socket: Socket): Promise<void> {
  if (isResponseFinished(response, socket)) return RESOLVED;
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done);
      socket.off("close", done);
      resolve();
    };
    response.once("close", done);
    socket.once("close", done);
  });
}
