import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Denial } from "../domain/denial.ts";
import { rawErrorResponse } from "./raw-error.ts";

/**
 * Answers plain HTTP on the TLS port in plain HTTP. Any other failed handshake gets no response: what is written would wait for
 * a handshake that never ends. TLS has consumed the first bytes by then: only OpenSSL can tell that they were an HTTP request.
 *
 * @param onRefused logs the refusal and returns its request id.
 */
export function respondToPlaintext(server: Server, onRefused: (denial: Denial) => string): void {
  const open = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const key = peerKey(socket);
    open.set(key, socket);
    socket.once("close", () => {
      if (open.get(key) === socket) open.delete(key);
    });
  });
  server.on("secureConnection", (socket: TLSSocket) => open.delete(peerKey(socket)));
  server.on("tlsClientError", (error: Error & { readonly code?: string }, socket: TLSSocket) => {
    if (error.code === "ERR_SSL_HTTP_REQUEST") {
      open.get(peerKey(socket))?.write(rawErrorResponse(PLAINTEXT, onRefused(PLAINTEXT)));
    }
    socket.destroy();
  });
}

const PLAINTEXT: Denial = {
  reason: "malformed_request",
  message: "This port speaks HTTPS: expected https:// in place of http://.",
};

function peerKey({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
