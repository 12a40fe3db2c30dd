import { connect } from "node:net";
import type { Readable } from "node:stream";
import { expect, test } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import { LISTENER_OPTIONS } from "../../../testkit/src/listener-options.ts";
import type { DownstreamRequest } from "../../src/http1/downstream.ts";
import { decodeAwsChunked } from "../../src/invocation/aws-chunked/decode.ts";
import { AwsChunkedReader } from "../../src/invocation/aws-chunked/reader.ts";
import { bufferBody } from "../../src/invocation/buffered-body.ts";
import type { BodyOptions } from "../../src/invocation/request-body.ts";
import { RequestBody } from "../../src/invocation/request-body.ts";
import { LISTENERS } from "../support/http-adapters.ts";

/** Its ticker never ticks: no limit on time ends a body. */
const BODIES: BodyOptions = {
  ticker: { now: () => 0, add: () => undefined, delete: () => undefined, stop: () => undefined },
  minRequestRate: { windowMs: 1_000, bytesPerSecond: 1 },
  onBytes: () => undefined,
};

const HELD = {
  limit: 1_000,
  tooLarge: { reason: "body_too_large", limit: 1_000 },
  share: { reserve: () => undefined, release: () => undefined },
} as const;

type Read = (request: DownstreamRequest) => Promise<unknown>;

const held: Read = (request) => bufferBody(new RequestBody(request, BODIES), HELD);

const decoded: Read = (request) => {
  const reader = new AwsChunkedReader({ decodedLength: 10, isSigned: false, trailerNames: [] }, "content");
  return bufferBody(decodeAwsChunked(new RequestBody(request, BODIES), reader), HELD);
};

const streamed: Read = (request) =>
  new Promise((resolve) => {
    const body: Readable = new RequestBody(request, BODIES);
    body.on("error", (error) => resolve(error.name)).on("end", () => resolve("complete"));
    body.resume();
  });

/** Reads the body of a request whose client has left after these bytes, once its connection is closed. */
async function readLate({ listenHttp }: (typeof LISTENERS)[number], sent: string, read: Read) {
  const [began, outcome] = [deferred<void>(), deferred<unknown>()];
  const listener = await listenHttp(LISTENER_OPTIONS, async ({ request }) => {
    const closed = new Promise<void>((resolve) => void request.socket.on("close", resolve));
    began.resolve();
    await closed;
    outcome.resolve(await read(request));
  });
  const socket = connect(listener.address.port, "127.0.0.1");
  socket.write(sent);
  await began.promise;
  socket.resetAndDestroy();
  const result = await outcome.promise;
  await listener.close(0);
  return result;
}

const PART = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc";

const LEFT = { ok: false, error: { kind: "client_disconnected" } };

for (const lane of LISTENERS) {
  test.each([
    ["held", held, LEFT],
    ["decoded and held", decoded, LEFT],
    ["streamed", streamed, "ClientDisconnectedError"],
  ])(
    `the body of a client that left before it was read ends at once where it is %s (${lane.adapter})`,
    async (_how, read, expected) => {
      expect(await readLate(lane, PART, read)).toEqual(expected);
    },
  );

  const isKept = lane.adapter === "two lanes";
  test.each([
    ["of ten bytes", `${PART}defghij`, 10],
    ["of none", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", 0],
  ])(
    `a complete body %s whose client left before it was read ${isKept ? "is read" : "ends at once"} (${lane.adapter})`,
    async (_length, sent, length) => {
      const outcome = isKept ? { ok: true, value: { length } } : LEFT;
      expect(await readLate(lane, sent, held)).toMatchObject(outcome);
      expect(await readLate(lane, sent, streamed)).toBe(isKept ? "complete" : "ClientDisconnectedError");
    },
  );
}
