import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { bypassReadBuffer } from "./direct-reads.ts";

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** A connection whose near end is read directly, and what was read so far. */
async function connection() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  const accepted = once(server, "connection");
  const far = connect(address.port, "127.0.0.1");
  const [near] = (await accepted) as [Socket];
  server.close();
  open.push(near, far);
  const read: string[] = [];
  const onData = (bytes: Buffer) => void read.push(bytes.toString());
  const stop = bypassReadBuffer(near, onData);
  near.on("data", onData);
  return { near, far, stop, text: () => read.join("") };
}

/** Sends a text and waits until it has arrived, as far as the near end reads it. */
async function send(far: Socket, near: Socket, text: string): Promise<void> {
  const before = near.bytesRead;
  far.write(text);
  for (let tries = 0; near.bytesRead < before + text.length && tries < 200; tries += 1) await sleep(5);
}

test("every piece is read once and in order, whether the socket flows, is paused, or was handed to another reader", async () => {
  const { near, far, stop, text } = await connection();
  await send(far, near, "a");
  expect(text()).toBe("a");
  near.pause();
  await send(far, near, "b");
  await send(far, near, "c");
  expect(text()).toBe("a");
  near.resume();
  await send(far, near, "d");
  expect(text()).toBe("abcd");
  stop();
  near.removeAllListeners("data");
  const next: string[] = [];
  near.on("data", (bytes: Buffer) => void next.push(bytes.toString()));
  await send(far, near, "e");
  expect([text(), next.join("")]).toEqual(["abcd", "e"]);
  far.end("f");
  await once(near, "end");
  expect(next.join("")).toBe("ef");
});

test("a piece that flows does not pass through the buffer of the stream", async () => {
  const { near, far, text } = await connection();
  let buffered = 0;
  near.on("data", () => (buffered += 1));
  await send(far, near, "a");
  await send(far, near, "b");
  expect([text(), buffered]).toEqual(["ab", 0]);
});
