import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { PartialHeads } from "./partial-heads.ts";

const LIMIT_MS = 1_000;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** A connection whose head began at 0, as its server and its client have it. */
async function partialHead() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await accepted) as [Socket];
  server.close();
  open.push(near, far);
  near.resume();
  const heads = new PartialHeads({ requestHeaderTimeoutMs: LIMIT_MS, rejectionBytes: (why) => `${why};` });
  heads.add(near, 0);
  return { heads, near, received: text(far) };
}

test("a head is refused once, when its time is over since it began", async () => {
  const { heads, near, received } = await partialHead();
  heads.tick(LIMIT_MS - 1);
  expect(near.writable).toBe(true);
  heads.tick(LIMIT_MS);
  heads.tick(LIMIT_MS + 1);
  expect(near.writable).toBe(false);
  expect(await received).toBe("request_timeout;");
});

test("a connection whose head has become whole is left alone", async () => {
  const { heads, near, received } = await partialHead();
  heads.delete(near);
  heads.tick(LIMIT_MS);
  near.end("response");
  expect(await received).toBe("response");
});

test("a connection that is paused is refused when it is read again: what was refused must not become a request", async () => {
  const { heads, near, received } = await partialHead();
  near.pause();
  heads.tick(LIMIT_MS);
  expect(near.writable).toBe(true);
  near.resume();
  heads.tick(LIMIT_MS);
  expect(await received).toBe("request_timeout;");
});
