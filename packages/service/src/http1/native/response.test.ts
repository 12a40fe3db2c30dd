import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { HeadWriter } from "./head-writer.ts";
import { NativeRequest } from "./request.ts";
import { NativeResponse } from "./response.ts";
import { WriteSlab } from "./write-slab.ts";

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** A response over a real connection, and what its connection and its listeners learn. */
async function responseOverSocket() {
  const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a server listens on an address");
  const accepted = once(server, "connection");
  const far = connect(address.port, "127.0.0.1");
  const [socket] = (await accepted) as [Socket];
  server.close();
  open.push(socket, far);
  const counts = { sent: 0, closed: 0, errors: 0 };
  socket.on("error", () => (counts.errors += 1));
  const owner = {
    socket,
    headWriter: new HeadWriter(5_000),
    writeSlab: new WriteSlab(),
    destroyed: false,
    on: () => undefined,
    off: () => undefined,
    pauseBody: () => undefined,
    resumeBody: () => undefined,
    onReceived: () => undefined,
    onSent: () => (counts.sent += 1),
  };
  const head = { method: "GET", url: "/", rawHeaders: [], length: 0 };
  const response = new NativeResponse(new NativeRequest(head, false, owner), owner);
  response.on("close", () => (counts.closed += 1));
  return { response, socket, far, counts };
}

test("a response that begins after the service has ended its side was not sent, and reports its end once", async () => {
  const { response, socket, counts } = await responseOverSocket();
  socket.end();
  response.writeHead(200, "OK", ["Content-Length", "2"]);
  let written = 0;
  expect(response.write(Buffer.from("ok"), () => (written += 1))).toBe(true);
  response.end();
  expect(response).toMatchObject({ writableEnded: true, writableFinished: false });
  expect(counts).toEqual({ sent: 0, closed: 0, errors: 0 });
  response.close();
  await expect.poll(() => written).toBe(1);
  expect(counts).toEqual({ sent: 0, closed: 1, errors: 0 });
});

test("a response that was sent reports its end once, also when its connection is closed after it", async () => {
  const { response, counts } = await responseOverSocket();
  response.respond({ kind: "none" }, 200, [], "ok");
  expect(response.writableFinished).toBe(true);
  expect(counts).toMatchObject({ sent: 1, closed: 1 });
  response.close();
  expect(counts.closed).toBe(1);
});

test("a response that is aborted before its end was not sent", async () => {
  const { response, counts } = await responseOverSocket();
  response.writeHead(200, "OK", ["Content-Length", "2"]);
  response.abort();
  response.end();
  expect(response.writableFinished).toBe(false);
  response.close();
  expect(counts).toEqual({ sent: 0, closed: 1, errors: 0 });
});
