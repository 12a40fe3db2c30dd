import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyFraming } from "../invocation/request-head.ts";
import { CORS_HEADERS } from "./cors.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";
import type { WireError } from "./wire-error.ts";

/** A body up to this many bytes is read to its end for the sake of the connection, though nobody wants it. */
const MAX_DRAIN_BYTES = 64 * 1024;

/** How long a longer body may go on before the connection is cut, in milliseconds. */
const LINGER_MS = 1_000;

const JSON_HEADERS = [
  "Content-Type",
  "application/json",
  "Cache-Control",
  "no-store",
  ...CORS_HEADERS,
] as const;

/** What both ends of one request on our server are. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Set once the request is logged, or the service itself responds to it: most requests need none. */
  requestId?: string;
}

/** Answers with JSON, the form of all answers of the service itself. */
export function respondJson(
  exchange: HttpExchange,
  framing: BodyFraming,
  status: number,
  body: object,
  headers: readonly string[] = [],
): void {
  const text = JSON.stringify(body);
  respond(exchange, framing, status, [...JSON_HEADERS, ...headers], text);
}

export function respondError(exchange: HttpExchange, framing: BodyFraming, error: WireError): void {
  respondJson(exchange, framing, error.status, error.body, error.headers);
}

/** Answers, and closes the connection if much of the request is still unread: it must not be taken for the next request. */
export function respond(
  { request, response, requestId }: HttpExchange,
  framing: BodyFraming,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const lines = [...headers];
  if (requestId !== undefined) lines.push(REQUEST_ID_HEADER, requestId);
  if (status !== 204) lines.push("Content-Length", String(Buffer.byteLength(body)));
  if (request.complete || canDrain(framing)) {
    response.writeHead(status, lines);
    response.end(body);
    return;
  }
  response.shouldKeepAlive = false;
  response.writeHead(status, [...lines, "Connection", "close"]);
  response.flushHeaders();
  drain(request);
  response.write(body, () => lingeringClose(request));
}

/** Closes a connection whose answer has ended and whose request has not: its rest must not be taken for the next request. */
export function closeWithUnreadBody({ request, response }: HttpExchange): void {
  response.shouldKeepAlive = false;
  drain(request);
  if (response.writableFinished) lingeringClose(request);
  else response.once("finish", () => lingeringClose(request));
}

function canDrain(framing: BodyFraming): boolean {
  return framing.kind === "none" || (framing.kind === "length" && framing.length <= MAX_DRAIN_BYTES);
}

/** Many a client reads nothing before it has sent everything. */
function drain(request: IncomingMessage): void {
  request.on("error", () => undefined);
  request.resume();
}

/**
 * Says that nothing more will come and listens on for a little while: a connection closed with bytes unread is reset, and
 * the reset can overtake the answer (RFC 9112 §9.6).
 */
function lingeringClose(request: IncomingMessage): void {
  const { socket } = request;
  socket.end();
  if (request.readableEnded) return socket.destroySoon();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on("close", () => clearTimeout(timer));
  request.on("end", () => socket.destroySoon());
}
