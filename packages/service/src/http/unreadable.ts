import type { Server, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { FORWARDABLE_METHODS } from "capability-protocol";
import type { Denial } from "../domain/denial.ts";
import { CORS_HEADERS } from "./cors.ts";
import { wireError } from "./wire-error.ts";

/** Codes of errors of Node's parser and server that are told apart; everything else is malformed. */
const REASONS: Readonly<Record<string, Denial>> = {
  HPE_HEADER_OVERFLOW: { reason: "header_too_large" },
  ERR_HTTP_REQUEST_TIMEOUT: { reason: "request_timeout" },
};

const MALFORMED: Denial = { reason: "malformed_request", message: "expected HTTP/1.1" };

/**
 * Answers what never becomes a request: what Node's parser refuses, and CONNECT, which names no path.
 *
 * @returns what is told of every response that begins: what stands behind a request must not be answered in its place.
 */
export function refuseUnreadable(server: Server): (response: ServerResponse) => void {
  const latest = new WeakMap<Duplex, { response: ServerResponse }>();
  const refusedLater = new WeakSet<Duplex>();
  server.on("clientError", (error: Error & { readonly code?: string }, socket) => {
    if (refusedLater.has(socket)) return;
    if (!socket.writable) return void socket.destroy();
    const denial = REASONS[error.code ?? ""] ?? MALFORMED;
    const response = latest.get(socket)?.response;
    if (response === undefined || response.writableFinished) return refuse(socket, denial);
    const isBehindWhole = response.req.complete;
    if (isBehindWhole && !socket.readableEnded) {
      // In its turn: now it would be taken for the answer to the request before (RFC 9112 §9.3.2).
      refusedLater.add(socket);
      response.once("finish", () => void (socket.writable && refuse(socket, denial)));
    } else if (isBehindWhole || response.headersSent) {
      // Nothing can be put between the bytes of an answer that has begun, nor in place of another one.
      socket.destroy();
    } else refuse(socket, denial);
  });
  // Whoever did not agree on TLS can be told nothing: what is written would wait for a handshake that never ends.
  server.on("tlsClientError", (_error: Error, socket: Duplex) => void socket.destroy());
  server.on("connect", (_request, socket: Duplex) => {
    // Node has let go of the connection: nobody would see its requester leave while it waits for its turn.
    if (latest.get(socket)?.response.writableFinished === false) return void socket.destroy();
    refuse(socket, { reason: "method_not_allowed", allow: [...FORWARDABLE_METHODS] });
  });
  return (response) => {
    const { socket } = response.req;
    const known = latest.get(socket);
    if (known === undefined) latest.set(socket, { response });
    else known.response = response;
  };
}

function refuse(socket: Duplex, denial: Denial): void {
  const { status, headers, body } = wireError(denial);
  const text = JSON.stringify(body);
  const lines = [
    "Content-Type",
    "application/json",
    "Cache-Control",
    "no-store",
    ...CORS_HEADERS,
    ...headers,
  ];
  lines.push("Content-Length", String(Buffer.byteLength(text)), "Connection", "close");
  const head = lines.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join("");
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`, () => socket.destroy());
}
