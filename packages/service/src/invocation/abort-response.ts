import type { ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

/**
 * Aborts a response so that it never looks complete. In HTTP/1.0 the end of the connection ends the body, so only a reset shows
 * that it is incomplete. In HTTP/1.1 the framing shows it, in TLS the missing close_notify (RFC 9112 §8, §9.8).
 */
export function abortResponse(response: ServerResponse): void {
  const { socket, req } = response;
  if (req.httpVersion === "1.0" && socket !== null && !(socket instanceof TLSSocket))
    socket.resetAndDestroy();
  response.destroy();
}
