import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createCoalescingRequest } from "./coalescing-request.ts";

let server: Server;
/** How the server reads the body of a request. */
let read: (request: IncomingMessage) => Promise<string>;

beforeEach(async () => {
  server = createServer({ IncomingMessage: createCoalescingRequest({ begun: 0 }) }, (request, response) => {
    void read(request).then((body) => response.end(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

/** Sends a body in chunks, some at once and some a turn later, and returns the response. */
async function send(chunks: readonly { readonly size: number; readonly isLater: boolean }[]) {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  let sent = "";
  for (const { size, isLater } of chunks) {
    const chunk = Array.from({ length: size }, (_, i) =>
      String.fromCharCode(97 + ((sent.length + i) % 26)),
    ).join("");
    sent += chunk;
    socket.write(`${size.toString(16)}\r\n${chunk}\r\n`);
    if (isLater) await setImmediate();
  }
  socket.write("0\r\n\r\n");
  const received = await text(socket);
  return { sent, received: received.slice(received.indexOf("\r\n\r\n") + 4) };
}

const chunk = fc.record({
  size: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.constantFrom(15, 16, 100, 2_047, 2_048, 5_000)),
  isLater: fc.boolean(),
});

/** Waits a number of turns after every piece before the next one is read. */
const slowly = (turns: number) => (request: IncomingMessage) =>
  new Promise<string>((resolve) => {
    let body = "";
    request.on("data", (piece: Buffer) => {
      body += piece.toString("latin1");
      if (turns === 0) return;
      request.pause();
      void (async () => {
        for (let turn = 0; turn < turns; turn += 1) await setImmediate();
        request.resume();
      })();
    });
    request.on("end", () => resolve(body));
  });

const late = async (request: IncomingMessage): Promise<string> => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  return slowly(0)(request);
};

test.each([
  ["at once", slowly(0)],
  ["with a turn between pieces", slowly(1)],
  ["slowly", slowly(5)],
  ["only after much of it has arrived", late],
])("a body in pieces of any size, read %s, is complete and in order", async (_how, reader) => {
  read = reader;
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 80 }), async (chunks) => {
      const { sent, received } = await send(chunks);
      expect(unchunked(received)).toBe(sent);
    }),
    { numRuns: 25 },
  );
});

test("a body in thousands of chunks of one byte is complete", async () => {
  read = slowly(0);
  const chunks = Array.from({ length: 30_000 }, () => ({ size: 1, isLater: false }));
  const { sent, received } = await send(chunks);
  expect(unchunked(received)).toBe(sent);
});

test("a body in chunks of one byte that its reader has paused is not read on and on", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  let pieces = 0;
  let room = 0;
  const count = (): number => pieces;
  read = (request) => {
    // Node 22 has four times that of Node 20.
    room = request.readableHighWaterMark;
    request.on("data", () => undefined);
    request.pause();
    const push = request.push.bind(request);
    request.push = (chunk, encoding) => {
      pieces += 1;
      return push(chunk, encoding);
    };
    return new Promise(() => undefined);
  };
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  socket.write("1\r\nx\r\n".repeat(200_000));
  while (count() < 2_048) await setImmediate();
  for (let turn = 0; turn < 100; turn += 1) {
    vi.advanceTimersByTime(50);
    await setImmediate();
    await setImmediate();
  }
  // One read of the connection, 64 KiB, has eleven thousand.
  expect(pieces).toBeLessThan(room + 16_384);
  socket.destroy();
  vi.useRealTimers();
});

/** Removes the framing of Node's response, which has one chunk or a length. */
function unchunked(body: string): string {
  const match = /^[0-9a-f]+\r\n([^]*)\r\n0\r\n\r\n$/.exec(body);
  return match?.[1] ?? body.replace(/^0\r\n\r\n$/, "");
}
