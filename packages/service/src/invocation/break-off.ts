import type { ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

/**
 * A body to a requester of HTTP/1.0 lasts until its connection ends, so that only a reset tells a broken one from a whole
 * one. Framing tells it in HTTP/1.1, the missing close_notify in TLS (RFC 9112 §8, §9.8).
 */
export function breakOff(response: ServerResponse): void {
  const { socket, req } = response;
  if (req.httpVersion === "1.0" && socket !== null && !(socket instanceof TLSSocket))
    socket.resetAndDestroy();
  response.destroy();
}
