import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyFraming } from "../invocation/request-head.ts";
import { CORS_HEADERS } from "./cors.ts";
import type { WireError } from "./wire-error.ts";

/** A body up to this many bytes is read to its end for the sake of the connection, though nobody wants it. */
const DRAINED_BYTES = 64 * 1024;

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
export interface Exchanged {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers with JSON, the form of all answers of the service itself. */
export function answerJson(
  exchanged: Exchanged,
  framing: BodyFraming,
  status: number,
  body: object,
  headers: readonly string[] = [],
): void {
  const text = JSON.stringify(body);
  answer(exchanged, framing, status, [...JSON_HEADERS, ...headers], text);
}

export function answerError(exchanged: Exchanged, framing: BodyFraming, error: WireError): void {
  answerJson(exchanged, framing, error.status, error.body, error.headers);
}

/** Answers, and closes the connection if much of the request is still unread: it must not be taken for the next request. */
export function answer(
  { request, response }: Exchanged,
  framing: BodyFraming,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const length = status === 204 ? [] : ["Content-Length", String(Buffer.byteLength(body))];
  if (request.complete || isSoonRead(framing)) {
    response.writeHead(status, [...headers, ...length]);
    response.end(body);
    return;
  }
  response.shouldKeepAlive = false;
  response.writeHead(status, [...headers, ...length, "Connection", "close"]);
  response.flushHeaders();
  dropRest(request);
  response.write(body, () => hangUp(request));
}

/** Closes a connection whose answer has ended and whose request has not: its rest must not be taken for the next request. */
export function closeUnread({ request, response }: Exchanged): void {
  response.shouldKeepAlive = false;
  dropRest(request);
  if (response.writableFinished) hangUp(request);
  else response.once("finish", () => hangUp(request));
}

function isSoonRead(framing: BodyFraming): boolean {
  return framing.kind === "none" || (framing.kind === "length" && framing.length <= DRAINED_BYTES);
}

/** Many a client reads nothing before it has sent everything. */
function dropRest(request: IncomingMessage): void {
  request.on("error", () => undefined);
  request.resume();
}

/**
 * Says that nothing more will come and listens on for a little while: a connection closed with bytes unread is reset, and
 * the reset can overtake the answer (RFC 9112 §9.6).
 */
function hangUp(request: IncomingMessage): void {
  const { socket } = request;
  socket.end();
  if (request.readableEnded) return socket.destroySoon();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on("close", () => clearTimeout(cut));
  request.on("end", () => socket.destroySoon());
}
