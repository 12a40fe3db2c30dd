import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { promised } from "../src/testkit/promised.ts";
import { OK_ANSWER, speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, readWireAnswer } from "../src/testkit/wire.ts";
import { DENIED, MALFORMED, PASSED } from "./requester-record.ts";

/*
 * Two readers of one request must not understand it differently (request smuggling, RFC 9112 §11.2), and what was meant
 * for somebody else is not for us. Each row goes over a raw connection, with a capability that works in place of {A}.
 * docs/http1-record.md says what Node's parser would do by itself.
 */

let service: TestService;
let target: TestTarget;
let door: string;
beforeAll(async () => {
  service = await startTestService({ aliases: ["alias.test:8443"] });
  target = await startTarget();
  ({ door } = await openDoor(service, { uri: target.url, allowQuery: true }));
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

const POST = "POST / HTTP/1.1\r\nHost: a\r\n{A}";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n{A}";
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

function withToken(raw: string): string {
  return raw.replaceAll("{A}", `Authorization: Bearer ${door}\r\n`);
}

test.each(MALFORMED)("%s: 400, and the connection is closed", async (_name, raw) => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(raw));
  await wire.closed;
  const [head = ""] = wire.received().split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).toMatch(/\r\nConnection: close/i);
  expect(wire.received().match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(target.requests).toHaveLength(before);
});

test("CONNECT: 405, and the connection is closed", async () => {
  await using wire = await openWire(service.port);
  wire.send(withToken("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{A}\r\n"));
  await wire.closed;
  expect(wire.received()).toMatch(/^HTTP\/1\.1 405 /);
});

test("CONNECT behind a request that waits for its answer cuts the connection, and nothing is said in its place", async () => {
  const requested = promised<void>();
  const left = promised<void>();
  await using silent = await startRawTarget((socket) => {
    socket.on("data", () => requested.resolve());
    socket.on("close", () => left.resolve());
  });
  const opened = await openDoor(service, { uri: silent.url });
  await using wire = await openWire(service.port);
  wire.send(withToken(`${GET}\r\n`).replace(door, opened.door));
  await requested.promise;
  wire.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  await wire.closed;
  expect(wire.received()).toBe("");
  await left.promise;
});

test.each(PASSED)("$name: $status, and one request with its body", async ({ sends, status, body = "" }) => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(sends));
  expect(await nextAnswer(wire)).toMatchObject({ status, rest: "" });
  const came = target.requests.slice(before);
  expect(came.map((request) => request.body.toString())).toEqual([body]);
  expect(Object.keys(came[0]?.headers ?? {}).join()).not.toContain("_");
});

test.each(DENIED)("$name: $status, and no whole request reaches the target", async ({ sends, status }) => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(sends));
  expect(await nextAnswer(wire)).toMatchObject({ status });
  expect(target.requests).toHaveLength(before);
});

test("a request in pieces of one byte is the same request", async () => {
  await using wire = await openWire(service.port);
  for (const byte of withToken(`${CHUNKED}3;a=b\r\nXYZ\r\n0\r\nFoo: bar\r\n\r\n`)) {
    wire.socket.write(byte);
    await setImmediate();
  }
  expect(await nextAnswer(wire)).toMatchObject({ status: 200, rest: "" });
  expect(target.requests.at(-1)?.body.toString()).toBe("XYZ");
});

test("whoever expects 100-continue gets it, and then the answer", async () => {
  await using wire = await openWire(service.port);
  wire.send(withToken(`${POST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nX`));
  const { status, rest } = await nextAnswer(wire);
  expect(status).toBe(100);
  expect(await nextAnswer(wire, { from: wire.received().length - rest.length })).toMatchObject({
    status: 200,
  });
});

test.each(["close, X-Foo", "x-foo, CLOSE", "keep-alive, close", "close\r\nConnection: keep-alive"])(
  "Connection: %j ends the connection after the answer, and what follows is no request",
  async (options) => {
    const before = target.requests.length;
    await using wire = await openWire(service.port);
    wire.send(withToken(`${GET}Connection: ${options}\r\nX-Foo: 1\r\n\r\n${GET}\r\n`));
    await wire.closed;
    const answer = readWireAnswer(wire.received());
    expect(answer).toMatchObject({ status: 200, body: "ok", rest: "" });
    expect(answer?.headers.get("connection")).toEqual(["close"]);
    expect(target.requests).toHaveLength(before + 1);
    expect("x-foo" in target.requests[before]!.headers).toBe(!/x-foo/i.test(options));
  },
);

test.each([
  ["nonsense", "hello\r\n\r\n", 400],
  ["two lengths", `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
  ["a head over the limit", `${GET}X: ${"x".repeat(20_000)}\r\n\r\n`, 431],
])("%s behind a whole request is refused after the answer to that one", async (_name, behind, status) => {
  const answering = promised<() => void>();
  await using slow = await startTarget((_request, response) => answering.resolve(() => response.end("slow")));
  const opened = await openDoor(service, { uri: slow.url });
  await using wire = await openWire(service.port);
  const first = withToken(`${GET}\r\n`).replace(door, opened.door);
  // In two pieces, since each that comes tells anew that the connection cannot be read.
  wire.send(first + withToken(behind).slice(0, -2));
  const answer = await answering.promise;
  wire.send("\r\n");
  answer();
  await wire.closed;
  const { rest = "", ...of } = readWireAnswer(wire.received()) ?? {};
  expect(of).toMatchObject({ status: 200, body: "slow" });
  const refusal = readWireAnswer(rest);
  expect(refusal).toMatchObject({ status, rest: "" });
  expect(refusal?.headers.get("connection")).toEqual(["close"]);
});

test("nonsense behind a whole request that expected 100-continue is refused after the answer to that one", async () => {
  const answering = promised<() => void>();
  await using slow = await startTarget((_request, response) => answering.resolve(() => response.end("slow")));
  const opened = await openDoor(service, { uri: slow.url });
  await using wire = await openWire(service.port);
  const first = withToken(`${POST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nX`);
  wire.send(first.replace(door, opened.door));
  const answer = await answering.promise;
  wire.send("hello\r\n\r\n");
  // What was sent before has been read by the service once it answers on another connection.
  await using other = await openWire(service.port);
  other.send(withToken(`${GET}\r\n`));
  await nextAnswer(other);
  answer();
  await wire.closed;
  const statuses = wire.received().match(/HTTP\/1\.1 \d+/g);
  expect(statuses).toEqual(["HTTP/1.1 100", "HTTP/1.1 200", "HTTP/1.1 400"]);
});

/*
 * A FIN alone does not tell a requester that will read on from one that is gone, and whoever is gone must hold nothing
 * (RFC 9112 §9.5: monitor for a closure, respond promptly).
 */
test.each([
  ["", ""],
  [" and what cannot be read", "hello\r\n\r\n"],
  [" and half a request", "GET / HTTP/1.1\r\n"],
])(
  "a requester that closes its side after a request%s has left: the target is let go, nothing is answered",
  async (_name, behind) => {
    const requested = promised<void>();
    const left = promised<void>();
    await using silent = await startRawTarget((socket) => {
      socket.on("data", () => requested.resolve());
      socket.on("close", () => left.resolve());
    });
    const opened = await openDoor(service, { uri: silent.url });
    await using wire = await openWire(service.port);
    wire.send(withToken(`${GET}\r\n${behind}`).replace(door, opened.door));
    await requested.promise;
    wire.socket.end();
    await left.promise;
    await wire.closed;
    expect(wire.received()).toBe("");
  },
);

test.each([
  ["a body", `${POST}Content-Length: 5\r\n\r\nX`],
  ["chunks", `${CHUNKED}5\r\nX`],
  ["a chunk of 2^64 - 1 bytes", `${CHUNKED}ffffffffffffffff\r\nX`],
  ["a head", "GET / HTTP/1.1\r\nHost: a\r\n"],
])("%s that ends before its end is a 400, and the target takes it for nothing whole", async (_name, raw) => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(raw));
  wire.socket.end();
  await wire.closed;
  expect(wire.received()).toMatch(/^HTTP\/1\.1 400 /);
  expect(target.requests).toHaveLength(before);
});

test("2,500 headers are judged to the last and passed on to the last", async () => {
  await using raw = await startRawTarget(speaker(OK_ANSWER));
  const opened = await openDoor(service, { uri: raw.url });
  await using wire = await openWire(service.port);
  const short = "a:\r\n".repeat(2_500);
  wire.send(withToken(`${GET}${short}Cookie: c\r\nb: last\r\n\r\n`).replace(door, opened.door));
  expect(await nextAnswer(wire)).toMatchObject({ status: 200 });
  expect(raw.received().match(/\r\na: (?=\r\n)/g)).toHaveLength(2_500);
  expect(raw.received()).toContain("\r\nb: last\r\n");
  expect(raw.received()).not.toMatch(/cookie/i);
});

test("a length in front of a body of GET is the length of that body", async () => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(`${GET}Content-Length: 3\r\n\r\nabcGET /?2 HTTP/1.1\r\nHost: a\r\n{A}\r\n`));
  const { rest } = await nextAnswer(wire);
  await nextAnswer(wire, { from: wire.received().length - rest.length });
  const came = target.requests.slice(before);
  expect(came.map(({ url, body }) => [url, body.toString()])).toEqual([
    ["/", "abc"],
    ["/?2", ""],
  ]);
});

test("two requests in one piece are two requests, whatever stands in the body of the first", async () => {
  await using wire = await openWire(service.port);
  const second = withToken("GET /?second HTTP/1.1\r\nHost: a\r\n{A}\r\n");
  wire.send(withToken(`${POST}Content-Length: ${second.length}\r\n\r\n`) + second + second);
  const first = await nextAnswer(wire);
  expect(first.status).toBe(200);
  const from = wire.received().length - first.rest.length;
  expect(await nextAnswer(wire, { from })).toMatchObject({ status: 200, rest: "" });
  expect(target.requests.slice(-2).map(({ url }) => url)).toEqual(["/", "/?second"]);
});

test("trailers of the requester are dropped", async () => {
  await using wire = await openWire(service.port);
  wire.send(withToken(`${CHUNKED}1\r\nZ\r\n0\r\nX-Api-Key: evil\r\nAuthorization: Bearer t\r\n\r\n`));
  expect(await nextAnswer(wire)).toMatchObject({ status: 200 });
  expect(target.requests.at(-1)?.rawHeaders).not.toContain("evil");
  expect(target.requests.at(-1)?.body.toString()).toBe("Z");
});

test("a missing, malformed, unknown, or oddly spelled token is the same 401 for any method and path", async () => {
  const unknown = formatToken(randomBytes(64));
  const last = door.at(-1)!;
  const otherSpelling = door.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
  const credentials = [
    [],
    ["Authorization: "],
    ["Authorization: Bearer"],
    ["Authorization: Bearer x"],
    [`Authorization: Bearer ${unknown}`],
    [`Authorization: Bearer ${otherSpelling}`],
    [`Authorization: Bearer ${door}=`],
    [`Authorization: Bearer ${door} x`],
    [`Authorization: Bearer ${door},`],
    [`Authorization: Basic ${door}`],
    [`Authorization: ${door}`],
    [`X-Authorization: Bearer ${door}`],
    [`Authorization: Bearer ${unknown}`, "Upgrade: x"],
    [`Authorization: Bearer ${unknown}`, "Expect: foo"],
  ];
  const seen = new Set<string>();
  for (const lines of credentials) {
    for (const start of ["GET /", "POST /", "DELETE /x?y", "TRACE /", "QUERY /healthz", "M-SEARCH /../"]) {
      await using wire = await openWire(service.port);
      wire.send([`${start} HTTP/1.1`, "Host: a", ...lines, "", ""].join("\r\n"));
      await wire.until((received) => readWireAnswer(received) !== undefined);
      seen.add(wire.received().replace(/Date: .*\r\n/, ""));
    }
  }
  expect(seen.size).toBe(1);
  expect([...seen][0]).toMatch(/^HTTP\/1\.1 401 .*\r\nWWW-Authenticate: Bearer\r\n/s);
});

test("anybody may ask whether the service is healthy, by GET and HEAD", async () => {
  for (const method of ["GET", "HEAD"]) {
    await using wire = await openWire(service.port);
    wire.send(`${method} /healthz HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await nextAnswer(wire, { method })).toMatchObject({ status: 200 });
  }
});
