import type { Socket } from "node:net";

/** For `startRawTarget`: says `bytes` (one character a byte) to whoever has sent a whole request head. */
export function speaker(
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

/** A small answer that keeps the connection. */
export const OK_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
