import { expect, test } from "vitest";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import { startStreamingTarget, startTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";

const LIMITS = { bodyIdleMs: 100 };
const POST = { line: "POST / HTTP/1.1", headers: ["Content-Length: 10"] };

test("a requester that falls silent in the middle of a management body is answered 408, and others are served", async () => {
  await using service = await startTestService({ limits: LIMITS });
  await using silent = await openWire(service.port);
  silent.send(`${requestHead(service.tokens.create, POST)}{`);
  await using target = await startTarget();
  const { door } = await openDoor(service, { uri: target.url });
  await using other = await openWire(service.port);
  other.send(requestHead(door));
  expect(await nextAnswer(other)).toMatchObject({ status: 200, body: "ok" });
  expect(await nextAnswer(silent)).toMatchObject({ status: 408 });
});

test.each([
  ["streamed", {}],
  [
    "held to be signed",
    {
      hmac: {
        "aws4-hmac-sha256": {
          awsAccessKeyId: "AKIDEXAMPLE",
          region: "us-east-1",
          service: "lambda",
          secretAccessKey: "secret",
        },
      },
    },
  ],
])(
  "a requester that falls silent in the middle of a body that is %s is answered 408",
  async (_how, extra) => {
    await using service = await startTestService({ limits: LIMITS });
    await using target = await startStreamingTarget((request) => void request.resume());
    const { door } = await openDoor(service, { uri: target.url, ...extra });
    await using wire = await openWire(service.port);
    wire.send(`${requestHead(door, POST)}12345`);
    const answer = await nextAnswer(wire);
    expect(answer).toMatchObject({ status: 408 });
    expect(JSON.parse(answer.body)).toMatchObject({ code: "request_timeout" });
  },
);

test("a target that does not read is not the requester's silence", async () => {
  await using service = await startTestService({ limits: { ...LIMITS, idleTimeoutMs: 1_000 } });
  await using target = await startStreamingTarget((request) => void request.pause());
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(service.port);
  const length = 64 * 1024 * 1024;
  wire.send(requestHead(door, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${length}`] }));
  wire.send("x".repeat(length));
  expect(await nextAnswer(wire)).toMatchObject({ status: 504 });
});
