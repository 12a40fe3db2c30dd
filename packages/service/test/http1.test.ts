import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import { openDoor } from "../src/testkit/door.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, readWireAnswer } from "../src/testkit/wire.ts";

/*
 * Two readers of one request must not understand it differently (request smuggling, RFC 9112 §11.2), and what was meant
 * for somebody else is not for us. Each row goes over a raw connection, with a capability that works in place of {A}.
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
const ONE_CHUNK = "1\r\nZ\r\n0\r\n\r\n";

function withToken(raw: string): string {
  return raw.replaceAll("{A}", `Authorization: Bearer ${door}\r\n`);
}

test.each([
  ["Content-Length and chunked", `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["two equal Content-Length", `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nX`],
  ["two different Content-Length", `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nX`],
  ["Content-Length +1", `${POST}Content-Length: +1\r\n\r\nX`],
  ["Content-Length 1_0", `${POST}Content-Length: 1_0\r\n\r\n0123456789`],
  ["Content-Length 1, 1", `${POST}Content-Length: 1, 1\r\n\r\nX`],
  ["an empty Content-Length", `${POST}Content-Length: \r\n\r\n`],
  [
    "chunked in two lines",
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
  ],
  ["gzip, chunked", `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${ONE_CHUNK}`],
  [
    "gzip and chunked in two lines",
    `${POST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
  ],
  ["xchunked", `${POST}Transfer-Encoding: xchunked\r\n\r\n${ONE_CHUNK}`],
  ["chunked, identity", `${POST}Transfer-Encoding: chunked, identity\r\n\r\n${ONE_CHUNK}`],
  ["chunked in HTTP/1.0", `POST / HTTP/1.0\r\nHost: a\r\n{A}Transfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`],
  ["chunked after a vertical tab", `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n${ONE_CHUNK}`],
  ["LF after a chunk size", `${CHUNKED}1\nZ\r\n0\r\n\r\n`],
  ["LF after the last chunk", `${CHUNKED}0\n\r\n`],
  ["LF within a chunk extension", `${CHUNKED}1;\nxx\r\nZ\r\n0\r\n\r\n`],
  ["a chunk size 0x1", `${CHUNKED}0x1\r\nZ\r\n0\r\n\r\n`],
  ["no Host", "GET / HTTP/1.1\r\n{A}\r\n"],
  ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n{A}\r\n"],
  ["two Host", `${GET}Host: b\r\n\r\n`],
  ["two equal Host", `${GET}Host: a\r\n\r\n`],
  ["an empty Host", "GET / HTTP/1.1\r\nHost: \r\n{A}\r\n"],
  ["a Host with user info", "GET / HTTP/1.1\r\nHost: a@b\r\n{A}\r\n"],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n{A}\r\n"],
  ["a Host list", "GET / HTTP/1.1\r\nHost: a, b\r\n{A}\r\n"],
  ["an absolute URI of another authority", "GET http://other.example/ HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["an absolute URI with user info", "GET http://membrane.test@evil/ HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["an absolute URI of another scheme", "GET ftp://membrane.test/ HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["an authority as target of GET", "GET other:80 HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["an asterisk", "GET * HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["an asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a fragment", "GET /#b HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["a space before the colon", `${GET}Foo : bar\r\n\r\n`],
  ["a folded line", `${GET}Foo: bar\r\n baz\r\n\r\n`],
  ["NUL in a value", `${GET}Foo: b\0r\r\n\r\n`],
  ["CR in a value", `${GET}Foo: b\rBar: x\r\n\r\n`],
  ["lines that end in LF alone", "GET / HTTP/1.1\nHost: a\n\n"],
  ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n{A}\r\n"],
  ["HTTP/0.9", "GET /\r\n\r\n"],
  ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n{A}\r\n"],
  ["a space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n{A}\r\n"],
  ["an unknown method", "SLUDGE / HTTP/1.1\r\nHost: a\r\n{A}\r\n"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["two Authorization", `${GET}{A}\r\n`],
  ["two different Authorization", `${GET}Authorization: Bearer x\r\n\r\n`],
  [
    "Authorization and Content-Length in the trailers",
    `${CHUNKED}1\r\nZ\r\n0\r\n{A}Content-Length: 9\r\n\r\n`,
  ],
])("%s: 400, and the connection is closed", async (_name, raw) => {
  const before = target.requests.length;
  await using wire = await openWire(service.port);
  wire.send(withToken(raw));
  await wire.closed;
  const [head = ""] = wire.received().split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).toMatch(/\r\nConnection: close/i);
  expect(wire.received().match(/HTTP\/1\.1 /g)).toHaveLength(1);
  if (!raw.startsWith(CHUNKED)) expect(target.requests).toHaveLength(before);
});

test("CONNECT: 405, and the connection is closed", async () => {
  await using wire = await openWire(service.port);
  wire.send(withToken("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{A}\r\n"));
  await wire.closed;
  expect(wire.received()).toMatch(/^HTTP\/1\.1 405 /);
});

test.each([
  ["a chunk extension", `${CHUNKED}1;a=b\r\nZ\r\n0\r\n\r\n`, 200],
  ["its own name in an absolute URI", "GET http://membrane.test/ HTTP/1.1\r\nHost: a\r\n{A}\r\n", 200],
  ["an alias in an absolute URI", "GET https://ALIAS.test:8443?a=b HTTP/1.1\r\nHost: a\r\n{A}\r\n", 200],
  ["a Host that is not ours", "GET / HTTP/1.1\r\nHost: other.example:80\r\n{A}\r\n", 200],
  ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n{A}\r\n", 200],
  ["a name with underscores", `${GET}Content_Length: 3\r\n\r\n`, 200],
  ["bytes over 127 in a value", `${GET}Foo: \xe9\r\n\r\n`, 200],
  ["another path", "GET /x HTTP/1.1\r\nHost: a\r\n{A}\r\n", 404],
  ["TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n{A}\r\n", 405],
  ["another expectation", `${POST}Expect: foo\r\nContent-Length: 1\r\n\r\nX`, 417],
  [
    "an upgrade to h2c",
    `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n`,
    501,
  ],
  ["an upgrade to a web socket", `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 501],
])("%s: %j is answered %i", async (_name, raw, status) => {
  await using wire = await openWire(service.port);
  wire.send(withToken(raw));
  await wire.until((received) => received.includes("\r\n\r\n"));
  expect(wire.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
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
