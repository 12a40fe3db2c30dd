import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { RejectionBytes } from "../listener.ts";

/**
 * Responds to plain HTTP on the TLS port in plain HTTP. Any other failed handshake gets no response: it would wait for a handshake
 * that never ends. TLS has consumed the first bytes by then, so only OpenSSL can tell that they were an HTTP request.
 */
export function respondToPlaintext(server: Server, rejectionBytes: RejectionBytes): void {
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
      open.get(peerKey(socket))?.write(rejectionBytes("plaintext"));
    }
    socket.destroy();
  });
}

function peerKey({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
