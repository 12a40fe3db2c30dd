import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { NEVER_FORWARDED } from "../../../testkit/src/never-forwarded.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import type { ReceivedRequest } from "../../../testkit/src/target.ts";
import type { RawResponse } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

/*
 * A capability represents one request. Its holder may add what the target accepts from anyone, and must not turn that request
 * into another one.
 */

const CANARY = "canary-9f8e7d";

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Sends one request with its headers byte for byte, and waits for the response. */
async function send(token: string, head: Parameters<typeof requestHead>[1], body = ""): Promise<RawResponse> {
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, head) + body);
  return await nextResponse(connection);
}

function linesOf(request: ReceivedRequest | undefined, name: string): string[] {
  const { rawHeaders = [] } = request ?? {};
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

test.each(NEVER_FORWARDED)("%s of the client never reaches the target, whatever its case", async (name) => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
    expect(await send(token, { headers: [`${spelling}: ${CANARY}`] })).toMatchObject({ status: 200 });
  }
  expect(target.received()).not.toContain(CANARY);
  expect(target.received().toLowerCase()).not.toContain(`\r\n${name.toLowerCase()}:`);
});

test.each(NEVER_FORWARDED.filter((name) => name.includes("-")))(
  "%s with underscores or dots never reaches the target, since a CGI server could not distinguish the two",
  async (name) => {
    await using target = await startRawTarget(rawResponder(OK_RESPONSE));
    const { token } = await exportTarget(service, { uri: target.url });
    for (const mark of ["_", "."])
      await send(token, { headers: [`${name.replaceAll("-", mark)}: ${CANARY}`] });
    expect(target.received()).not.toContain(CANARY);
  },
);

test("the client's token, Host and Expect do not reach the target", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  const head = { line: "POST / HTTP/1.1", headers: ["Expect: 100-continue", "Content-Length: 0"] };
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, head));
  await connection.until((received) => received.includes("HTTP/1.1 200"));
  expect(target.received()).not.toContain(token);
  expect(target.received()).not.toContain("membrane.test");
  expect(target.received().toLowerCase()).not.toMatch(/\r\n(?:authorization|expect):/);
  expect(target.received()).toContain(`host: 127.0.0.1:${target.port}\r\n`);
});

test("Connection of the client removes its headers and none that the service adds", async () => {
  await using target = await startTarget();
  const configured = { Authorization: "Basic c2VjcmV0", Cookie: "session=1", "X-Api-Key": "key" };
  const { token } = await exportTarget(service, { uri: target.url, headers: configured });
  const named = "authorization, COOKIE, x-api-key, host, content-length, via, cdn-loop, connection, X-Mine";
  const headers = [`Connection: ${named}`, "connection: x-also-mine", "Content-Length: 4"];
  await send(
    token,
    { line: "POST / HTTP/1.1", headers: [...headers, "X-Mine: a", "x-Also-mine: b", "X-Kept: c"] },
    "body",
  );
  const [request] = target.requests;
  expect(request?.headers).toMatchObject({
    authorization: configured.Authorization,
    cookie: configured.Cookie,
    "x-api-key": configured["X-Api-Key"],
    host: `127.0.0.1:${target.port}`,
    "content-length": "4",
    via: expect.stringMatching(/^1\.1 membrane-/),
    "cdn-loop": expect.stringMatching(/^membrane-/),
    "x-kept": "c",
  });
  expect(request?.headers).not.toHaveProperty("x-mine");
  expect(request?.headers).not.toHaveProperty("x-also-mine");
  expect(request?.body.toString()).toBe("body");
});

test("headers that the target configures are sent once, however the client spells and repeats them", async () => {
  await using target = await startTarget();
  const headers = { "X-Api-Key": "key", "Content-Type": "text/plain", X_Under: "score" };
  const { token } = await exportTarget(service, { uri: target.url, headers });
  await send(token, {
    headers: [
      "X-Api-Key: evil",
      "x-api-key: evil",
      "X-API-KEY: evil",
      "X_Api_Key: evil",
      "X-Under: evil",
      "content-type: evil",
      "Content_Type: evil",
    ],
  });
  const [request] = target.requests;
  expect(linesOf(request, "x-api-key")).toEqual(["key"]);
  expect(linesOf(request, "content-type")).toEqual(["text/plain"]);
  expect(linesOf(request, "x_under")).toEqual(["score"]);
  expect(request?.rawHeaders).not.toContain("evil");
});

test("Via and CDN-Loop of the client are kept, and those of the service are appended", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  await send(token, { headers: ["Via: 1.0 first", "Via: 1.1 second", "CDN-Loop: other; a=1"] });
  const [request] = target.requests;
  expect(linesOf(request, "via")).toEqual([
    expect.stringMatching(/^1\.0 first, 1\.1 second, 1\.1 membrane-/),
  ]);
  expect(linesOf(request, "cdn-loop")).toEqual([expect.stringMatching(/^other; a=1, membrane-/)]);
});

test("a request that has passed this service too often ends with 508 and does not reach the target", async () => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  await call(service, token);
  const id = linesOf(target.requests[0], "cdn-loop")[0]!;
  const visits = (count: number): string => Array.from({ length: count }, () => id).join(", ");
  expect(await send(token, { headers: [`CDN-Loop: ${visits(7)}`] })).toMatchObject({ status: 200 });
  const headers = [`CDN-Loop: ${visits(5)}`, `cdn-loop: ${visits(3)}; a=1`];
  const response = await send(token, { headers });
  expect(response.status).toBe(508);
  expect(response.headers.get("proxy-status")).toEqual(["membrane; error=proxy_loop_detected"]);
  expect(target.requests).toHaveLength(2);
});

test("the target's method is used; without one, the client's", async () => {
  await using target = await startTarget();
  const fixed = await exportTarget(service, { uri: target.url, method: "get" });
  const free = await exportTarget(service, { uri: target.url });
  for (const method of ["POST", "DELETE", "OPTIONS", "PROPFIND"]) {
    await call(service, fixed.token, { method });
    await call(service, free.token, { method });
    expect(target.requests.slice(-2).map((request) => request.method)).toEqual(["GET", method]);
  }
});

test.each(["TRACE", "CONNECT"])(
  "%s is refused and never reaches the target, whatever its method",
  async (method) => {
    await using target = await startRawTarget(rawResponder(OK_RESPONSE));
    for (const configuration of [{ uri: target.url }, { uri: target.url, method: "GET" }]) {
      const { token } = await exportTarget(service, configuration);
      await using connection = await openRawConnection(service.port);
      const uri = method === "CONNECT" ? `127.0.0.1:${target.port}` : "/";
      connection.send(requestHead(token, { line: `${method} ${uri} HTTP/1.1` }));
      if (method === "TRACE") {
        const response = await nextResponse(connection);
        expect(response.status).toBe(405);
        expect(response.headers.get("allow")?.[0]?.split(", ")).toContain("GET");
        expect(response.headers.get("allow")?.[0]).not.toMatch(/TRACE|CONNECT/);
      } else {
        await connection.closed;
        expect(connection.received()).not.toMatch(/^HTTP\/1\.1 2/);
      }
    }
    expect(target.received()).toBe("");
  },
);

test.each([
  ["/fixed", "?a=1", "/fixed"],
  ["/fixed?b=2", "?a=1", "/fixed?b=2"],
])("without allowQuery %s is unchanged when the client sends %s", async (uri, query, sent) => {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: new URL(uri, target.url).href });
  await send(token, { line: `GET /${query} HTTP/1.1` });
  expect(target.requests[0]?.url).toBe(sent);
});

test.each([
  ["/fixed", "", "/fixed"],
  ["/fixed", "?a=1", "/fixed?a=1"],
  ["/fixed?b=2", "", "/fixed?b=2"],
  ["/fixed?b=2", "?c=3&c", "/fixed?b=2&c=3&c"],
  ["/fixed", "?%7E=%zz&&=+%20%2f/?x=y", "/fixed?%7E=%zz&&=+%20%2f/?x=y"],
  ["/fixed", "?../../admin", "/fixed?../../admin"],
  ["/fixed", "?a=%0d%0aX-Evil:1", "/fixed?a=%0d%0aX-Evil:1"],
])("with allowQuery %s is followed by the client's query %s byte for byte", async (uri, query, sent) => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: new URL(uri, target.url).href, allowQuery: true });
  expect(await send(token, { line: `GET /${query} HTTP/1.1` })).toMatchObject({ status: 200 });
  expect(target.received().split("\r\n")[0]).toBe(`GET ${sent} HTTP/1.1`);
});

test.each(["/x", "//", "/.", "/..", "/%2f", "/;a", "/index.html?a=1"])(
  "the path %s is a 404",
  async (path) => {
    await using target = await startRawTarget(rawResponder(OK_RESPONSE));
    const { token } = await exportTarget(service, { uri: target.url, allowQuery: true });
    expect(await send(token, { line: `GET ${path} HTTP/1.1` })).toMatchObject({ status: 404 });
    expect(target.received()).toBe("");
  },
);

test("Upgrade to anything but a WebSocket gets a 501 and does not reach the target", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  const headers = ["Connection: Upgrade", "Upgrade: TLS/1.0"];
  expect(await send(token, { headers })).toMatchObject({ status: 501 });
  expect(target.received()).toBe("");
});
