import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { linger } from "./linger.ts";

const QUIET_MS = 20;

/** More than waits in a request that nothing reads, and in the buffers of the system. */
const BODY_BYTES = 32 * 1024 * 1024;

/** Both ends of a connection. */
interface Ends {
  readonly client: Socket;
  readonly server: Socket;
}

/** @returns a connection of which the server's end has ended with "bye". */
async function lingering(): Promise<Ends> {
  const ends = await connected();
  ends.server.write("bye");
  linger(ends.server, QUIET_MS);
  return ends;
}

async function connected(): Promise<Ends> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect({
    port: (listener.address() as AddressInfo).port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  client.on("error", () => undefined);
  const [server] = (await once(listener, "connection")) as [Socket];
  listener.close();
  return { client, server };
}

test("a client that goes on to send is read until it ends its side, and gets what was written", async () => {
  const { client, server } = await lingering();
  const closed = once(server, "close");
  const end = performance.now() + 4 * QUIET_MS;
  for (; performance.now() < end; await setImmediate()) client.write("x");
  expect(server.destroyed).toBe(false);
  client.end();
  await closed;
  expect(server.bytesRead).toBe(client.bytesWritten);
  expect(client.read()?.toString()).toBe("bye");
  client.destroy();
});

test("a connection that Node's server has paused, since nothing reads the body of its request, is read to its end", async () => {
  const listener = createHttpServer()
    .on("clientError", () => undefined)
    .listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => undefined);
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * BODY_BYTES}\r\n\r\n`);
  client.end(Buffer.alloc(BODY_BYTES));
  const [{ socket }] = (await once(listener, "request")) as [{ readonly socket: Socket }];
  await expect.poll(() => socket.isPaused()).toBe(true);
  // For as long as the service lingers: to read this much takes more than ten times `QUIET_MS` where the machine is slow.
  linger(socket);
  await once(socket, "close");
  expect(socket.bytesRead).toBe(client.bytesWritten);
  listener.close();
});

test("a connection whose client sends nothing is closed", async () => {
  const { client, server } = await lingering();
  await once(server, "close");
  expect(server.bytesRead).toBe(0);
  client.destroy();
});

test("a connection whose client never stops is closed", async () => {
  const { client, server } = await lingering();
  while (!server.destroyed) {
    client.write("x");
    await setImmediate();
  }
  expect(server.bytesRead).toBeGreaterThan(0);
  client.destroy();
});

test("a connection whose client sends, and takes nothing of what was written, is closed", async () => {
  const { client, server } = await connected();
  client.pause();
  server.write(Buffer.alloc(BODY_BYTES));
  linger(server, QUIET_MS);
  while (!server.destroyed) {
    client.write("x");
    await setImmediate();
  }
  expect(server.writableFinished).toBe(false);
  client.destroy();
});
