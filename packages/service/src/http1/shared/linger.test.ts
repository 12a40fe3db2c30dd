import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { linger } from "./linger.ts";

const QUIET_MS = 20;

/** @returns both ends of a connection, of which the server's has ended with "bye". */
async function lingering(): Promise<{ readonly client: Socket; readonly server: Socket }> {
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
  server.write("bye");
  linger(server, QUIET_MS);
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
