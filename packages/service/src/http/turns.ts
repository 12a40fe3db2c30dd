import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Exchanged } from "./answer.ts";
import type { PipelineLimits, PipelineShare } from "./pipeline-budget.ts";
import { createPipelineBudget, waitingBytes } from "./pipeline-budget.ts";
import type { Reading } from "./reading.ts";
import { createReading } from "./reading.ts";

/** Carries out the requests of each connection one after the other. */
export interface Turns extends Pick<Reading, "began" | "isPaused"> {
  /** @param act carries out the request when its turn has come. */
  (exchanged: Exchanged, act: () => Promise<void>): Promise<void>;
  /** Resolves once no turn is under way and none is waited for. */
  allOver(): Promise<void>;
}

/** Called when something goes wrong with a connection. */
export interface TurnFailures {
  /** A turn failed; the next one of the connection comes nevertheless. */
  readonly failed: (error: unknown, socket: Socket) => void;
  /** A connection was closed, because its waiting requests took too much memory. */
  readonly closed: () => void;
}

/** The requests of one connection. */
interface Line extends PipelineShare {
  /** The end of the latest turn, until it has come. */
  latest: Promise<void> | undefined;
  /** Of the latest request. */
  response: ServerResponse;
  isOver: boolean;
}

/**
 * One request after the other on each connection, each after the response before it was written. Node hands over all requests
 * of one read: a connection could have hundreds of thousands in flight, and a client that reads no responses could have them
 * all wait here. A connection is not read while too many wait, and is closed when all connections together hold too much.
 */
export function createTurns(limits: PipelineLimits, { failed, closed }: TurnFailures): Turns {
  const lines = new WeakMap<Socket, Line>();
  const budget = createPipelineBudget(limits);
  const reading = createReading();
  let underWay = 0;
  let over = (): void => undefined;

  /** Waits for the turn before, and until its response was written, within the budget. */
  const wait = (line: Line, before: ServerResponse, request: IncomingMessage): Promise<void> => {
    const { socket } = request;
    const bytes = waitingBytes(request);
    if (!budget.reserve(line, bytes)) {
      if (!socket.destroyed) closed();
      socket.destroy();
      // Node frees the parsed requests of this connection only after it has read all other connections with data.
      reading.pauseAll();
    } else if (budget.isFull(line)) reading.pause(socket);
    return (line.latest ?? NOTHING)
      .then(() => sent(before, socket))
      .then(() => {
        budget.release(line, bytes);
        if (budget.hasRoom(line)) reading.resume(socket);
      });
  };
  const inTurn = (exchanged: Exchanged, act: () => Promise<void>): Promise<void> => {
    const { request, response } = exchanged;
    const { socket } = request;
    // Node still hands over what it had read of a connection that is now closed.
    if (socket.destroyed) return NOTHING;
    const known = lines.get(socket);
    const line = known ?? { latest: undefined, response, isOver: false, waiting: 0, bytes: 0 };
    if (known === undefined) lines.set(socket, line);
    const before = line.response;
    line.response = response;
    const attempt = (): Promise<void> => (line.isOver || socket.destroyed ? NOTHING : act());
    const isNext = line.latest === undefined && (known === undefined || isSent(before, socket));
    const turn = isNext ? attempt() : wait(line, before, request).then(attempt);
    underWay += 1;
    const end = (): void => {
      if (line.latest === ended) line.latest = undefined;
      // After an answer that closes the connection nothing is carried out: it could not be answered (RFC 9112 §9.6).
      if (!response.shouldKeepAlive) line.isOver = true;
      underWay -= 1;
      if (underWay === 0) over();
    };
    const ended = turn.then(end, (error: unknown) => {
      end();
      failed(error, socket);
    });
    line.latest = ended;
    return turn;
  };
  const allOver = (): Promise<void> =>
    new Promise((resolve) => {
      over = resolve;
      if (underWay === 0) resolve();
    });
  return Object.assign(inTurn, { allOver, began: reading.began, isPaused: reading.isPaused });
}

const NOTHING = Promise.resolve();

/** Whether the response was written, or never will be. */
function isSent(response: ServerResponse, socket: Socket): boolean {
  return response.writableFinished || response.destroyed || socket.destroyed;
}

function sent(response: ServerResponse, socket: Socket): Promise<void> {
  if (isSent(response, socket)) return NOTHING;
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
