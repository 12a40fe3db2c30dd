import type { Socket } from "node:net";

/** For `startRawTarget`: sends `bytes` (one character a byte) after a complete request head. */
export function rawResponder(
  bytes: string,
  after: (socket: Socket) => void = () => undefined,
): (socket: Socket) => void {
  return (socket) => {
    let head = "";
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      head = "";
      socket.write(Buffer.from(bytes, "latin1"), () => after(socket));
    });
  };
}

/** A small response that keeps the connection. */
export const OK_RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** For `startRawTarget`: sends `bytes` after each complete request with its body. */
export function rawResponderAfterBody(bytes: string): (socket: Socket) => void {
  return (socket) => {
    let request = "";
    socket.on("data", (chunk) => {
      request += chunk.toString("latin1");
      if (!isWhole(request)) return;
      request = "";
      socket.write(Buffer.from(bytes, "latin1"));
    });
  };
}

function isWhole(request: string): boolean {
  const [head = "", ...rest] = request.split("\r\n\r\n");
  if (rest.length === 0) return false;
  const body = request.slice(head.length + 4);
  if (/\r\ntransfer-encoding:/i.test(head)) return body.endsWith("0\r\n\r\n");
  return body.length >= Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
}
