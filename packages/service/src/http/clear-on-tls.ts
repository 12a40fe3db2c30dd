import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { refusal } from "./refusal.ts";

/**
 * Answers plain HTTP on the TLS port in plain HTTP. Any other failed handshake gets no response: what is written would wait for
 * a handshake that never ends. TLS has consumed the first bytes by then: only OpenSSL can tell that they were an HTTP request.
 */
export function answerInClear(server: Server): void {
  const open = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const key = peerOf(socket);
    open.set(key, socket);
    socket.once("close", () => {
      if (open.get(key) === socket) open.delete(key);
    });
  });
  server.on("secureConnection", (socket: TLSSocket) => open.delete(peerOf(socket)));
  server.on("tlsClientError", (error: Error & { readonly code?: string }, socket: TLSSocket) => {
    if (error.code === "ERR_SSL_HTTP_REQUEST") {
      open.get(peerOf(socket))?.write(refusal({ reason: "malformed_request", message: IN_CLEAR }));
    }
    socket.destroy();
  });
}

const IN_CLEAR = "This port speaks HTTPS: expected https:// in place of http://.";

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
