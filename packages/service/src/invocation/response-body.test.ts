import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { POOL_BYTES } from "../egress/read-buffer.ts";
import { NodeResponse } from "../http1/node/response.ts";
import { ResponseBody } from "./response-body.ts";
import { createAccountRegistry } from "./usage-accounts.ts";
import { createChunkScheduler } from "../collections/chunk-scheduler.ts";
import { createWaitingResponses } from "./waiting-responses.ts";

const OWNER = { accounts: { capabilities: [], tenants: [] }, evict: () => undefined };

/** Writes pieces as a target's connection does: it pauses when there is no room, until it is resumed. */
function pour(response: NodeResponse, pieces: readonly Buffer[]): Promise<number> {
  const body = new ResponseBody(response, OWNER, {
    chunkScheduler: createChunkScheduler(),
    waitingResponses: createWaitingResponses(1_024 * 1_024 * 1_024, createAccountRegistry()),
  });
  let next = 0;
  let held = 0;
  return new Promise((resolve) => {
    const goOn = (): void => {
      while (next < pieces.length) {
        const piece = pieces[next]!;
        next += 1;
        if (body.write(piece)) continue;
        held += 1;
        return;
      }
      body.end();
      resolve(held);
    };
    body.start(goOn);
    goOn();
  });
}

/** What a client gets that lets every piece wait some turns. */
async function receive(pieces: readonly Buffer[], turns: number): Promise<{ body: string; held: number }> {
  let held = Promise.resolve(0);
  const server = createServer({ ServerResponse: NodeResponse }, (_request, response) => {
    response.setHeader("Content-Length", Buffer.concat(pieces).length);
    held = pour(response, pieces);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let received = "";
  for await (const piece of socket) {
    received += String(piece);
    for (let turn = 0; turn < turns; turn += 1) await setImmediate();
  }
  server.close();
  return { body: received.slice(received.indexOf("\r\n\r\n") + 4), held: await held };
}

const piece = fc
  .oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.constantFrom(15, 100, 2_047, 2_048, 40_000))
  .map((size) => Buffer.alloc(size, "abcdefghijklmnopqrstuvwxyz"));

test("a response in whatever pieces, however slowly it is read, is whole and in its order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 200 }), fc.nat(3), async (pieces, turns) => {
      const { body } = await receive(pieces, turns);
      expect(body).toBe(Buffer.concat(pieces).toString());
    }),
    { numRuns: 40 },
  );
});

test("thousands of small pieces have their target held back again and again, and none is lost", async () => {
  const pieces = Array.from({ length: 20_000 }, (_, i) => Buffer.from(String.fromCharCode(97 + (i % 26))));
  const { body, held } = await receive(pieces, 0);
  expect(body).toBe(Buffer.concat(pieces).toString());
  expect(held).toBeGreaterThanOrEqual(39);
  // Each pause costs a turn of the event loop, so pieces are not taken one by one.
  expect(held).toBeLessThan(2 * 39);
});

test("small pieces that wait count what they may keep in memory, which is more than their bytes", async () => {
  const counted = deferred<number[]>();
  const server = createServer({ ServerResponse: NodeResponse }, (_request, response) => {
    const body = new ResponseBody(response, OWNER, {
      chunkScheduler: createChunkScheduler(),
      waitingResponses: createWaitingResponses(1_024 * 1_024 * 1_024, createAccountRegistry()),
    });
    body.write(Buffer.alloc(16 * 1_024 * 1_024));
    const before = body.bufferedBytes;
    for (let i = 0; i < 8; i += 1) body.write(Buffer.alloc(1));
    counted.resolve([before, body.bufferedBytes]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const [before = 0, after = 0] = await counted.promise;
  expect(after - before).toBeGreaterThanOrEqual(8 * POOL_BYTES);
  socket.destroy();
  server.close();
});
