import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Rejection, RejectionBytes } from "../listener.ts";
import { isLingering, linger } from "../shared/linger.ts";
import type { NodeResponse } from "./response.ts";

const HEAD_TIMEOUT = "ERR_HTTP_REQUEST_TIMEOUT";

/** Error codes of Node's parser and server that have a separate response; all others are malformed requests. */
const REJECTIONS_BY_CODE: Readonly<Record<string, Rejection>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  [HEAD_TIMEOUT]: "request_timeout",
};

/** The responses of a connection that its client may still wait for. */
interface PendingResponses {
  latest: NodeResponse;
  /** The one that was not finished when the latest one began. */
  previous: NodeResponse | undefined;
}

/** What the handling of parse errors needs to know of a server. */
export interface ParseErrorOptions {
  /** How long the head of a request may take to arrive, in milliseconds. */
  readonly requestHeaderTimeoutMs: number;
  /** Whether the service has paused reading from the connection. */
  readonly isPaused: (socket: object) => boolean;
  readonly rejectionBytes: RejectionBytes;
}

/**
 * Responds to input that never becomes a request: what Node's parser refuses, and CONNECT, which has no path. These refusals do
 * not wait in the queue of responses, so they must not appear within another response, in its place (RFC 9112 §9.3.2), or as a
 * second response to one request.
 *
 * @returns a function to call for every response that begins.
 */
export function handleParseErrors(
  server: Server,
  { requestHeaderTimeoutMs, isPaused, rejectionBytes }: ParseErrorOptions,
): (response: NodeResponse) => void {
  const connections = new WeakMap<Duplex, PendingResponses>();
  const deferred = new WeakSet<Duplex>();

  const refuse = (socket: Duplex, rejection: Rejection): void => {
    socket.write(rejectionBytes(rejection));
    linger(socket);
  };
  const refuseRequest = (error: Error & { readonly code?: string }, socket: Duplex): void => {
    if (deferred.has(socket) || isLingering(socket)) return;
    if (!socket.writable) return void socket.destroy();
    const pending = connections.get(socket);
    const rejection = REJECTIONS_BY_CODE[error.code ?? ""] ?? "malformed";
    if (pending === undefined) return refuse(socket, rejection);
    if (!pending.latest.req.complete)
      return refuseRestOfBody(socket, pending, () => refuse(socket, rejection));
    // What follows a response that closes the connection is not a request (RFC 9112 §9.6).
    if (isFinished(pending.latest))
      return pending.latest.shouldKeepAlive ? refuse(socket, rejection) : linger(socket);
    // The refusal follows the response to a complete request, unless the client has ended its side.
    if (socket.readableEnded) return void socket.destroy();
    deferred.add(socket);
    pending.latest.once("finish", () => void (socket.writable && refuse(socket, rejection)));
  };
  /** Starts the time for a head again, since none can arrive while the connection is paused. Node reports a timeout only once. */
  const recheckLater = (error: Error, socket: Duplex): void => {
    const latest = connections.get(socket)?.latest;
    const wait = (): void => void setTimeout(check, requestHeaderTimeoutMs).unref();
    const check = (): void => {
      if (socket.destroyed || connections.get(socket)?.latest !== latest) return;
      if (isPaused(socket)) wait();
      else refuseRequest(error, socket);
    };
    wait();
  };

  server.on("clientError", (error: Error & { readonly code?: string }, socket) => {
    if (error.code === HEAD_TIMEOUT && isPaused(socket)) recheckLater(error, socket);
    else refuseRequest(error, socket);
  });
  server.on("connect", (_request, socket: Duplex) => {
    // Node no longer watches the connection: a disconnect would go unnoticed while the request waits for its turn.
    if (!isFinished(connections.get(socket)?.latest)) return void socket.destroy();
    refuse(socket, "connect");
  });

  return (response) => {
    const { socket } = response.req;
    const responses = connections.get(socket);
    if (responses === undefined)
      return void connections.set(socket, { latest: response, previous: undefined });
    // Responses end in order: if this one has ended, so have all before it.
    responses.previous = isFinished(responses.latest) ? undefined : responses.latest;
    responses.latest = response;
  };
}

/** Refuses a request whose body has become unreadable. */
function refuseRestOfBody(socket: Duplex, { latest, previous }: PendingResponses, refuse: () => void): void {
  if (!isFinished(previous)) socket.destroy();
  else if (!latest.headersSent) refuse();
  else if (!latest.writableEnded && !latest.isWritten) socket.destroy();
  else linger(socket);
}

function isFinished(response: NodeResponse | undefined): boolean {
  return response === undefined || response.writableFinished;
}
