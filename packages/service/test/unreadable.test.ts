import { afterAll, beforeAll, expect, test } from "vitest";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { speaker } from "../src/testkit/speaker.ts";
import { promised } from "../src/testkit/promised.ts";
import { startRawTarget, startStreamingTarget } from "../src/testkit/target.ts";
import type { Wire } from "../src/testkit/wire.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

test.each([
  ["nonsense", "hello\r\n\r\n", 400, "malformed_request"],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    400,
    "malformed_request",
  ],
  [
    "a head over the limit",
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    431,
    "header_too_large",
  ],
  ["a head without Host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"],
  ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405, "method_not_allowed"],
])(
  "%s is answered in JSON as everything else, and the connection is closed",
  async (_what, bytes, status, code) => {
    await using wire = await openWire(service.port);
    wire.send(bytes);
    const answer = await nextAnswer(wire);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("connection")).toEqual(["close"]);
    expect(answer.headers.get("cache-control")).toEqual(["no-store"]);
    expect(JSON.parse(answer.body)).toMatchObject({ statusCode: status, code });
  },
);

test("a second Authorization line is seen behind any number of short lines", async () => {
  await using wire = await openWire(service.port);
  const short = Array.from({ length: 2_100 }, () => "a:\r\n").join("");
  wire.send(
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n${short}Authorization: Bearer y\r\n\r\n`,
  );
  expect(await nextAnswer(wire)).toMatchObject({ status: 400 });
});

const CHUNKED = { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] };
const EXPECTING = { ...CHUNKED, headers: [...CHUNKED.headers, "Expect: 100-continue"] };

test.each([
  ["its own body", CHUNKED, "1\r\nx\r\n", "no chunk\r\n"],
  ["its own body, for which it asked", EXPECTING, "1\r\nx\r\n", "no chunk\r\n"],
  ["the body of the next request", {}, "", `${requestHead(undefined, CHUNKED)}no chunk\r\n`],
  ["CONNECT behind it", {}, "", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"],
])("nothing is put within an answer that is under way, by %s", async (_what, options, body, rest) => {
  await using target = await startRawTarget(speaker("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nbegun"));
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(service.port);
  wire.send(requestHead(door, options) + body);
  await wire.until((received) => received.endsWith("begun"));
  wire.send(rest);
  await wire.closed;
  expect(wire.received()).toMatch(/\r\n\r\nbegun$/);
});

test.each([
  ["whose token does not work", requestHead(undefined, CHUNKED)],
  [
    "that expects what nobody knows",
    requestHead("{door}", { ...CHUNKED, headers: [...CHUNKED.headers, "Expect: foo"] }),
  ],
  ["without Host", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"],
])("a request %s gets no second answer when its body is unreadable", async (_what, head) => {
  const { door } = await openDoor(service, { uri: "http://127.0.0.1:9/" });
  await using wire = await openWire(service.port);
  wire.send(`${head.replace("{door}", door)}no chunk\r\n`);
  await wire.closed;
  expect(wire.received().split("HTTP/1.1 ").length).toBeLessThanOrEqual(2);
});

test("a head that the service itself does not read is not late until it has had its time once more", async () => {
  await using impatient = await startTestService({
    limits: { headTimeoutMs: 200, pipelinedRequestsPerConnection: 4 },
  });
  const answer = promised<void>();
  await using target = await startStreamingTarget(
    (_request, response) => void answer.promise.then(() => response.end("slow")),
  );
  const { door } = await openDoor(impatient, { uri: target.url });
  const health = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });
  const begun = "GET /healthz HTTP/1.1\r\n";
  await using ends = await openWire(impatient.port);
  ends.send(requestHead(door) + health.repeat(4) + begun);
  await using never = await openWire(impatient.port);
  never.send(requestHead(door) + health.repeat(4) + begun);
  // A connection that is read times out; by then Node has checked all earlier ones.
  await using late = await openWire(impatient.port);
  late.send(begun);
  expect(await nextAnswer(late)).toMatchObject({ status: 408 });

  answer.resolve();
  const statuses = async (wire: Wire, count: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let from = 0; seen.length < count;) {
      const { status, rest } = await nextAnswer(wire, { from });
      seen.push(status);
      from = wire.received().length - rest.length;
    }
    return seen;
  };
  await statuses(ends, 5);
  ends.send("Host: membrane.test\r\n\r\n");
  expect(await statuses(ends, 6)).toEqual([200, 200, 200, 200, 200, 200]);
  expect(await statuses(never, 6)).toEqual([200, 200, 200, 200, 200, 408]);
  await never.closed;
});
