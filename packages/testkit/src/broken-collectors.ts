import type { Socket } from "node:net";

/** What a server does with a connection. @param elsewhere URL of a collector that works. */
type Handle = (socket: Socket, elsewhere: string) => void;

/** Servers that take no span, by the cause that the log has; without what it does: there is none. */
export const BROKEN_COLLECTORS: readonly (readonly [string, string, Handle | undefined])[] = [
  ["that is not there", "ECONNREFUSED", undefined],
  ["that never responds", "ETIMEDOUT", (socket) => void socket.resume()],
  ["that reads nothing", "ETIMEDOUT", (socket) => void socket.pause()],
  [
    "that never ends its response",
    "ETIMEDOUT",
    (socket) => void socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")),
  ],
  ["that closes without a response", "ECONNRESET", saying("")],
  ["that is cut within its response", "ECONNRESET", saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")],
  ["that does not speak HTTP", "HPE_INVALID_CONSTANT", saying("garbage\r\n\r\n")],
  [
    "whose head is too large",
    "HPE_HEADER_OVERFLOW",
    saying(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`),
  ],
  [
    "that switches protocols",
    "CLOSED",
    saying("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
  ],
  ["that is busy", "STATUS_503", saying("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")],
  ["that refuses the credential", "STATUS_401", saying("HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")],
  [
    "that redirects",
    "STATUS_307",
    (socket, elsewhere) =>
      saying(`HTTP/1.1 307 X\r\nLocation: ${elsewhere}/v1/traces\r\nContent-Length: 0\r\n\r\n`)(socket),
  ],
  [
    "that responds with a page",
    "INVALID_RESPONSE",
    saying("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
  ],
  [
    "that responds without end",
    "INVALID_RESPONSE",
    saying(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(100_000)}`),
  ],
];

/** Responds with these bytes, whatever the request. */
function saying(bytes: string): (socket: Socket) => void {
  return (socket) => void socket.once("data", () => socket.end(bytes));
}
