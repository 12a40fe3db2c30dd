import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

async function send(
  token: string | undefined,
  head: Parameters<typeof requestHead>[1] = {},
): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, head));
  return await nextResponse(connection);
}

/** Returns what the client gets for a response with these header lines. */
async function passOn(lines: readonly string[], status = "200 OK"): Promise<RawResponse> {
  const head = [`HTTP/1.1 ${status}`, ...lines, "Content-Length: 2", "", "ok"].join("\r\n");
  await using target = await startRawTarget(rawResponder(head));
  const { token } = await exportTarget(service, { uri: target.url });
  return await send(token);
}

test("a response gets the headers that separate targets with the same URL and origin", async () => {
  const { headers } = await passOn([
    "Vary: Accept",
    "X-Content-Type-Options: bogus",
    "Content-Security-Policy: a",
  ]);
  expect(headers.get("vary")).toEqual([
    "Accept",
    "Authorization, X-Api-Key, Api-Key, X-Goog-Api-Key, X-Amz-Security-Token",
  ]);
  expect(headers.get("x-content-type-options")).toEqual(["nosniff"]);
  expect(headers.get("content-security-policy")).toEqual(["a", "sandbox"]);
});

test.each([
  "Set-Cookie",
  "Strict-Transport-Security",
  "Alt-Svc",
  "Clear-Site-Data",
  "Report-To",
  "Reporting-Endpoints",
  "NEL",
  "Accept-CH",
  "Origin-Trial",
  "Service-Worker-Allowed",
  "Proxy-Authenticate",
  "Proxy-Authentication-Info",
  "CDN-Cache-Control",
  "Surrogate-Control",
  "Proxy-Status",
  "Proxy-Connection",
  "Trailer",
  "Upgrade",
  "TE",
])("%s of a target is never passed on, whatever its case", async (name) => {
  const response = await passOn([
    `${name}: canary`,
    `${name.toUpperCase()}: canary`,
    `${name.toLowerCase()}: canary`,
  ]);
  expect(response.status).toBe(200);
  expect([...response.headers.values()].flat()).not.toContain("canary");
});

test("end-to-end headers are passed on unchanged, also repeated ones, and those that Connection names are not", async () => {
  const { headers } = await passOn([
    "X-Twice: 1",
    "X-Twice: 2",
    'ETag: W/"a"',
    "Date: Thu, 01 Jan 1970 00:00:00 GMT",
    "X-Bytes: \xe9",
    "Connection: x-hop, close",
    "X-Hop: 1",
  ]);
  expect(headers.get("x-twice")).toEqual(["1", "2"]);
  expect(headers.get("etag")).toEqual(['W/"a"']);
  expect(headers.get("date")).toEqual(["Thu, 01 Jan 1970 00:00:00 GMT"]);
  expect(headers.get("x-bytes")).toEqual(["\xe9"]);
  expect(headers.has("x-hop")).toBe(false);
});

test.each([
  ["public, max-age=60", "private, max-age=60"],
  ["s-maxage=60", "private"],
  ['PUBLIC, S-MaxAge="60"', "private"],
  ["max-age=60", "private, max-age=60"],
  ['private="public, s-maxage=1", max-age=1', "private, max-age=1"],
  ['x="a\\", public", public', 'private, x="a\\", public"'],
  ["no-store", "no-store"],
])("Cache-Control: %s becomes %s", async (given, passed) => {
  expect((await passOn([`cache-CONTROL: ${given}`])).headers.get("cache-control")).toEqual([passed]);
});

test("a response without Cache-Control is private, whatever its Age or Expires", async () => {
  const { headers } = await passOn(["Expires: Fri, 01 Jan 2100 00:00:00 GMT", "Age: 0"]);
  expect(headers.get("cache-control")).toEqual(["private"]);
});

test("any origin may read a response, whatever the target's CORS headers", async () => {
  const { headers } = await passOn([
    "Access-Control-Allow-Origin: https://one.example",
    "Access-Control-Allow-Credentials: true",
    "access-control-expose-headers: X-One",
    "Access-Control-Anything: 1",
  ]);
  expect(headers.get("access-control-allow-origin")).toEqual(["*"]);
  expect(headers.get("access-control-expose-headers")).toEqual(["*"]);
  expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toHaveLength(2);
});

test.each(["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])(
  "a redirect is passed on and not followed: %s",
  async (status) => {
    const response = await passOn(["Location: http://127.0.0.1:1/elsewhere"], status);
    expect(response).toMatchObject({ status: Number(status.slice(0, 3)), body: "ok" });
    expect(response.headers.get("location")).toEqual(["http://127.0.0.1:1/elsewhere"]);
  },
);

test.each(["400 Bad", "401 Unauthorized", "404 Not Here", "500 Oops", "503 Busy", "599 Odd"])(
  "an error of the target is passed on unchanged: %s",
  async (status) => {
    const response = await passOn(["WWW-Authenticate: Basic", "Retry-After: 7"], status);
    expect(response).toMatchObject({ status: Number(status.slice(0, 3)), body: "ok" });
    expect(response.headers.get("retry-after")).toEqual(["7"]);
    expect(response.headers.has("proxy-status")).toBe(false);
  },
);

test("a content coding is not changed", async () => {
  const zipped = gzipSync("the body");
  await using target = await startTarget((_request, response) => {
    response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": zipped.length }).end(zipped);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const response = await send(token);
  expect(response.headers.get("content-encoding")).toEqual(["gzip"]);
  expect(Buffer.from(response.body, "latin1")).toEqual(zipped);
});

test("trailers of a target are dropped", async () => {
  const bytes =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: canary\r\nSet-Cookie: canary\r\n\r\n";
  await using target = await startRawTarget(rawResponder(bytes));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  expect(await nextResponse(connection)).toMatchObject({ body: "ok" });
  expect(connection.received()).not.toContain("canary");
});

test("the service responds to a preflight and allows Authorization; OPTIONS with a token is an invocation", async () => {
  await using target = await startTarget((request, response) => void response.end(request.method));
  const { token } = await exportTarget(service, { uri: target.url });
  const head = { line: "OPTIONS / HTTP/1.1", headers: ["Origin: https://one.example"] };
  const preflight = await send(undefined, head);
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toEqual(["*"]);
  expect(preflight.headers.get("access-control-allow-headers")?.[0]).toContain("Authorization");
  expect(preflight.headers.get("access-control-allow-methods")?.[0]).toContain("PUT");
  expect(target.requests).toHaveLength(0);
  expect(await send(token, head)).toMatchObject({ status: 200, body: "OPTIONS" });
});
