import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { startRelay } from "./relay.ts";

/** A server that repeats what it receives. */
async function startEcho(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

async function openClient(
  port: number,
): Promise<{ readonly socket: Socket; readonly received: () => string }> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => (received += chunk.toString("latin1")));
  await once(socket, "connect");
  return { socket, received: () => received };
}

test("a relay passes bytes on in their order, however late", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const { socket, received } = await openClient(relay.port);
  relay.delay(20, 10);
  for (let n = 0; n < 10; n += 1) {
    if (n === 5) relay.delay(0, 0);
    socket.write(`${n}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await expect.poll(received).toBe("0123456789");
});

test("a silent relay keeps its connections open and passes nothing, and later ones pass when it speaks", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const silent = await openClient(relay.port);
  relay.silence();
  silent.socket.write("lost");
  relay.speak();
  const speaking = await openClient(relay.port);
  speaking.socket.write("passed");
  await expect.poll(speaking.received).toBe("passed");
  expect([silent.received(), silent.socket.readyState]).toEqual(["", "open"]);
});

test("replies are lost on connections on which a text was sent, before or after, and on no others", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const [before, after, other] = await Promise.all([0, 0, 0].map(() => openClient(relay.port)));
  before!.socket.write("UPDATE");
  await expect.poll(before!.received).toBe("UPDATE");
  relay.loseReplies("UPDATE");
  before!.socket.write("more");
  after!.socket.write("UPDATE");
  other!.socket.write("SELECT");
  await expect.poll(other!.received).toBe("SELECT");
  relay.passReplies();
  after!.socket.write("more");
  other!.socket.write("more");
  await expect.poll(other!.received).toBe("SELECTmore");
  expect([before!.received(), after!.received()]).toEqual(["UPDATE", ""]);
});

test("a text can be held until it is passed on, with all that was sent after it", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const { socket, received } = await openClient(relay.port);
  const held = relay.hold("INSERT");
  socket.write("INSERT");
  const { pass } = await held;
  socket.write(" then");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(received()).toBe("");
  pass();
  await expect.poll(received).toBe("INSERT then");
});
