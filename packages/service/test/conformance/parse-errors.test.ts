import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startRawTarget, startStreamingTarget } from "../../../testkit/src/target.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

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
    "headers_too_large",
  ],
  ["a head without Host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed_request"],
  ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405, "method_not_allowed"],
])(
  "the response to %s is JSON like every other, and the connection is closed",
  async (_what, bytes, status, code) => {
    await using connection = await openRawConnection(service.port);
    connection.send(bytes);
    const response = await nextResponse(connection);
    expect(response.status).toBe(status);
    expect(response.headers.get("connection")).toEqual(["close"]);
    expect(response.headers.get("cache-control")).toEqual(["no-store"]);
    expect(JSON.parse(response.body)).toMatchObject({ statusCode: status, code });
  },
);

test("a second Authorization line is found after any number of short lines", async () => {
  await using connection = await openRawConnection(service.port);
  const short = Array.from({ length: 2_100 }, () => "a:\r\n").join("");
  connection.send(
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n${short}Authorization: Bearer y\r\n\r\n`,
  );
  expect(await nextResponse(connection)).toMatchObject({ status: 400 });
});

const CHUNKED = { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] };
const EXPECTING = { ...CHUNKED, headers: [...CHUNKED.headers, "Expect: 100-continue"] };

test.each([
  ["its own body", CHUNKED, "1\r\nx\r\n", "no chunk\r\n"],
  ["its own body after a 100 Continue", EXPECTING, "1\r\nx\r\n", "no chunk\r\n"],
  ["the body of the next request", {}, "", `${requestHead(undefined, CHUNKED)}no chunk\r\n`],
  ["CONNECT after the request", {}, "", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"],
])("a refusal is not written into a response in progress, for %s", async (_what, options, body, rest) => {
  await using target = await startRawTarget(
    rawResponder("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nbegun"),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, options) + body);
  await connection.until((received) => received.endsWith("begun"));
  connection.send(rest);
  // What follows the request may be unread until its response has ended.
  connection.socket.end();
  await connection.closed;
  expect(connection.received()).toMatch(/\r\n\r\nbegun$/);
});

test.each([
  ["whose token does not work", requestHead(undefined, CHUNKED)],
  [
    "with an unknown expectation",
    requestHead("{token}", { ...CHUNKED, headers: [...CHUNKED.headers, "Expect: foo"] }),
  ],
  ["without Host", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"],
])("a request %s gets no second response when its body is unreadable", async (_what, head) => {
  const { token } = await exportTarget(service, { uri: "http://127.0.0.1:9/" });
  await using connection = await openRawConnection(service.port);
  connection.send(`${head.replace("{token}", token)}no chunk\r\n`);
  await connection.closed;
  expect(connection.received().split("HTTP/1.1 ").length).toBeLessThanOrEqual(2);
});

test("a head on a paused connection gets its time again before it is refused as late", async () => {
  await using impatient = await startTestService({
    limits: { requestHeaderTimeoutMs: 200, maxPipelinedRequestsPerConnection: 4 },
  });
  const responded = deferred<void>();
  await using target = await startStreamingTarget(
    (_request, response) => void responded.promise.then(() => response.end("slow")),
  );
  const { token } = await exportTarget(impatient, { uri: target.url });
  const health = requestHead(undefined, { line: "GET /healthz HTTP/1.1" });
  const begun = "GET /healthz HTTP/1.1\r\n";
  await using ends = await openRawConnection(impatient.port);
  ends.send(requestHead(token) + health.repeat(4) + begun);
  await using never = await openRawConnection(impatient.port);
  never.send(requestHead(token) + health.repeat(4) + begun);
  // A connection that is not paused times out. By then Node has checked all earlier ones.
  await using late = await openRawConnection(impatient.port);
  late.send(begun);
  expect(await nextResponse(late)).toMatchObject({ status: 408 });

  // Before its connection is read again, so that it does not depend on how fast the responses to the others are.
  ends.send("Host: membrane.test\r\n\r\n");
  responded.resolve();
  const statuses = async (connection: RawConnection, count: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let from = 0; seen.length < count;) {
      const { status, rest } = await nextResponse(connection, { from });
      seen.push(status);
      from = connection.received().length - rest.length;
    }
    return seen;
  };
  expect(await statuses(ends, 6)).toEqual([200, 200, 200, 200, 200, 200]);
  expect(await statuses(never, 6)).toEqual([200, 200, 200, 200, 200, 408]);
  await never.closed;
});

test.each([
  ["nonsense", "hello\r\n\r\n", 400],
  ["a head over the limit", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405],
  ["a request without Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["a request of HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", 401],
  ["a request with Connection: close", requestHead(undefined, { headers: ["Connection: close"] }), 401],
  ["a chunked request without a token", `${requestHead(undefined, CHUNKED)}1\r\nx\r\n`, 401],
  [
    "a length of 64 MiB without a token",
    requestHead(undefined, { ...CHUNKED, headers: [`Content-Length: ${2 ** 26}`] }),
    401,
  ],
])("a client that goes on to send after %s still gets the response", async (_what, bytes, status) => {
  const more = "GET / HTTP/1.1\r\n".repeat(20_000);
  await using connection = await openRawConnection(service.port);
  connection.socket.pause();
  connection.send(bytes + more);
  for (let times = 0; times < 3; times += 1) {
    // The service has read what was sent before.
    await using other = await openRawConnection(service.port);
    other.send(requestHead(undefined, { line: "GET /healthz HTTP/1.1" }));
    await nextResponse(other);
    connection.send(more);
  }
  connection.socket.resume();
  expect(await nextResponse(connection)).toMatchObject({ status });
});
