import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { nextAnswer, openWire } from "../src/testkit/wire.ts";

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
