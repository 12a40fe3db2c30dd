import { once } from "node:events";
import { createServer } from "node:net";
import { startTarget } from "../gateways/start.js";

const DRIP = "1\r\nx\r\n".repeat(10_000);

/** Returns the URIs of three targets: one that responds, one that accepts connections and sends nothing, and one that responds in
 * chunks of one byte, without end. */
export async function startTargets() {
  const mute = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pause();
  });
  const drip = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const pour = () => {
      while (socket.writable && socket.write(DRIP));
      socket.once("drain", pour);
    };
    pour();
  });
  const plain = `http://127.0.0.1:${await startTarget()}/`;
  return { plain, mute: await uriOf(mute), drip: await uriOf(drip) };
}

/** @param {import("node:net").Server} server */
async function uriOf(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  return `http://127.0.0.1:${address.port}/`;
}
