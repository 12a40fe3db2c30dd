import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, readRawResponse } from "../../../testkit/src/raw-connection.ts";
import { DENIED, MALFORMED, PASSED } from "../support/http1-request-cases.ts";
import { LISTENERS } from "../support/http-adapters.ts";

/*
 * Two parsers must not understand a request differently (request smuggling, RFC 9112 §11.2), and a request for another host must
 * not be served. Each row is sent over a raw connection, with a valid capability in place of {A}. docs/http1-conformance.md says
 * what Node's parser alone would do.
 */

describe.each(LISTENERS)("over $adapter:", ({ listenHttp }) => {
  let service: TestService;
  let target: TestTarget;
  let token: string;
  beforeAll(async () => {
    service = await startTestService({ listenHttp, aliases: ["alias.test:8443"] });
    target = await startTarget();
    ({ token } = await exportTarget(service, { uri: target.url, allowQuery: true }));
  });
  afterAll(async () => {
    await service.close();
    await target[Symbol.asyncDispose]();
  });

  const POST = "POST / HTTP/1.1\r\nHost: a\r\n{A}";
  const GET = "GET / HTTP/1.1\r\nHost: a\r\n{A}";
  const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

  function withToken(raw: string): string {
    return raw.replaceAll("{A}", `Authorization: Bearer ${token}\r\n`);
  }

  test.each(MALFORMED)("%s: 400, and the connection is closed", async (_name, raw) => {
    const before = target.requests.length;
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(raw));
    await connection.closed;
    const [head = ""] = connection.received().split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head).toMatch(/\r\nConnection: close/i);
    expect(connection.received().match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(target.requests).toHaveLength(before);
  });

  test("CONNECT: 405, and the connection is closed", async () => {
    await using connection = await openRawConnection(service.port);
    connection.send(withToken("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{A}\r\n"));
    await connection.closed;
    expect(connection.received()).toMatch(/^HTTP\/1\.1 405 /);
  });

  test("CONNECT after a request that waits for its response closes the connection, and nothing is sent in its place", async () => {
    const requested = deferred<void>();
    const left = deferred<void>();
    await using silent = await startRawTarget((socket) => {
      socket.on("data", () => requested.resolve());
      socket.on("close", () => left.resolve());
    });
    const opened = await exportTarget(service, { uri: silent.url });
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(`${GET}\r\n`).replace(token, opened.token));
    await requested.promise;
    connection.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
    await connection.closed;
    expect(connection.received()).toBe("");
    await left.promise;
  });

  test.each(PASSED)("$name: $status, and one request with its body", async ({ sends, status, body = "" }) => {
    const before = target.requests.length;
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(sends));
    expect(await nextResponse(connection)).toMatchObject({ status, rest: "" });
    const came = target.requests.slice(before);
    expect(came.map((request) => request.body.toString())).toEqual([body]);
    expect(Object.keys(came[0]?.headers ?? {}).join()).not.toContain("_");
  });

  test.each(DENIED)(
    "$name: $status, and no complete request reaches the target",
    async ({ sends, status }) => {
      const before = target.requests.length;
      await using connection = await openRawConnection(service.port);
      connection.send(withToken(sends));
      expect(await nextResponse(connection)).toMatchObject({ status });
      expect(target.requests).toHaveLength(before);
    },
  );

  test("a request in pieces of one byte is the same request", async () => {
    await using connection = await openRawConnection(service.port);
    for (const byte of withToken(`${CHUNKED}3;a=b\r\nXYZ\r\n0\r\nFoo: bar\r\n\r\n`)) {
      connection.socket.write(byte);
      await setImmediate();
    }
    expect(await nextResponse(connection)).toMatchObject({ status: 200, rest: "" });
    expect(target.requests.at(-1)?.body.toString()).toBe("XYZ");
  });

  test("a client that expects 100-continue gets it, and then the response", async () => {
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(`${POST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nX`));
    const { status, rest } = await nextResponse(connection);
    expect(status).toBe(100);
    expect(
      await nextResponse(connection, { from: connection.received().length - rest.length }),
    ).toMatchObject({
      status: 200,
    });
  });

  test.each(["close, X-Foo", "x-foo, CLOSE", "keep-alive, close", "close\r\nConnection: keep-alive"])(
    "Connection: %j ends the connection after the response, and later bytes are not a request",
    async (options) => {
      const before = target.requests.length;
      await using connection = await openRawConnection(service.port);
      connection.send(withToken(`${GET}Connection: ${options}\r\nX-Foo: 1\r\n\r\n${GET}\r\n`));
      await connection.closed;
      const response = readRawResponse(connection.received());
      expect(response).toMatchObject({ status: 200, body: "ok", rest: "" });
      expect(response?.headers.get("connection")).toEqual(["close"]);
      expect(target.requests).toHaveLength(before + 1);
      expect("x-foo" in target.requests[before]!.headers).toBe(!/x-foo/i.test(options));
    },
  );

  test.each([
    ["nonsense", "hello\r\n\r\n", 400],
    ["two lengths", `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ["a head over the limit", `${GET}X: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ])(
    "%s after a complete request is refused after the response to that request",
    async (_name, behind, status) => {
      const responding = deferred<() => void>();
      await using slow = await startTarget((_request, response) =>
        responding.resolve(() => response.end("slow")),
      );
      const opened = await exportTarget(service, { uri: slow.url });
      await using connection = await openRawConnection(service.port);
      const first = withToken(`${GET}\r\n`).replace(token, opened.token);
      // In two pieces, since Node reports a connection that cannot be parsed once for each piece.
      connection.send(first + withToken(behind).slice(0, -2));
      const respond = await responding.promise;
      connection.send("\r\n");
      respond();
      await connection.closed;
      const { rest = "", ...of } = readRawResponse(connection.received()) ?? {};
      expect(of).toMatchObject({ status: 200, body: "slow" });
      const refusal = readRawResponse(rest);
      expect(refusal).toMatchObject({ status, rest: "" });
      expect(refusal?.headers.get("connection")).toEqual(["close"]);
    },
  );

  test("nonsense after a complete request that expected 100-continue is refused after the response to that request", async () => {
    const responding = deferred<() => void>();
    await using slow = await startTarget((_request, response) =>
      responding.resolve(() => response.end("slow")),
    );
    const opened = await exportTarget(service, { uri: slow.url });
    await using connection = await openRawConnection(service.port);
    const first = withToken(`${POST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nX`);
    connection.send(first.replace(token, opened.token));
    const respond = await responding.promise;
    connection.send("hello\r\n\r\n");
    // The service has read the bytes sent before once it responds on another connection.
    await using other = await openRawConnection(service.port);
    other.send(withToken(`${GET}\r\n`));
    await nextResponse(other);
    respond();
    await connection.closed;
    const statuses = connection.received().match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual(["HTTP/1.1 100", "HTTP/1.1 200", "HTTP/1.1 400"]);
  });

  /*
   * A FIN does not show whether a client still reads or has disconnected, and a disconnected client must hold no resources
   * (RFC 9112 §9.5: monitor for a closure, respond promptly).
   */
  test.each([
    ["", ""],
    [" and nonsense", "hello\r\n\r\n"],
    [" and half a request", "GET / HTTP/1.1\r\n"],
  ])(
    "a client that closes its side after a request%s has disconnected: the target connection ends, and there is no response",
    async (_name, behind) => {
      const requested = deferred<void>();
      const left = deferred<void>();
      await using silent = await startRawTarget((socket) => {
        socket.on("data", () => requested.resolve());
        socket.on("close", () => left.resolve());
      });
      const opened = await exportTarget(service, { uri: silent.url });
      await using connection = await openRawConnection(service.port);
      connection.send(withToken(`${GET}\r\n${behind}`).replace(token, opened.token));
      await requested.promise;
      connection.socket.end();
      await left.promise;
      await connection.closed;
      expect(connection.received()).toBe("");
    },
  );

  test.each([
    ["a body", `${POST}Content-Length: 5\r\n\r\nX`],
    ["chunks", `${CHUNKED}5\r\nX`],
    ["a chunk of 2^64 - 1 bytes", `${CHUNKED}ffffffffffffffff\r\nX`],
    ["a head", "GET / HTTP/1.1\r\nHost: a\r\n"],
  ])(
    "%s that ends early is a 400, and the target does not take it for a complete body",
    async (_name, raw) => {
      const before = target.requests.length;
      await using connection = await openRawConnection(service.port);
      connection.send(withToken(raw));
      connection.socket.end();
      await connection.closed;
      expect(connection.received()).toMatch(/^HTTP\/1\.1 400 /);
      expect(target.requests).toHaveLength(before);
    },
  );

  test("all of 2,500 headers are checked and passed on", async () => {
    await using raw = await startRawTarget(rawResponder(OK_RESPONSE));
    const opened = await exportTarget(service, { uri: raw.url });
    await using connection = await openRawConnection(service.port);
    const short = "a:\r\n".repeat(2_500);
    connection.send(withToken(`${GET}${short}Cookie: c\r\nb: last\r\n\r\n`).replace(token, opened.token));
    expect(await nextResponse(connection)).toMatchObject({ status: 200 });
    expect(raw.received().match(/\r\na: (?=\r\n)/g)).toHaveLength(2_500);
    expect(raw.received()).toContain("\r\nb: last\r\n");
    expect(raw.received()).not.toMatch(/cookie/i);
  });

  test("the Content-Length of a GET is the length of its body", async () => {
    const before = target.requests.length;
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(`${GET}Content-Length: 3\r\n\r\nabcGET /?2 HTTP/1.1\r\nHost: a\r\n{A}\r\n`));
    const { rest } = await nextResponse(connection);
    await nextResponse(connection, { from: connection.received().length - rest.length });
    const came = target.requests.slice(before);
    expect(came.map(({ url, body }) => [url, body.toString()])).toEqual([
      ["/", "abc"],
      ["/?2", ""],
    ]);
  });

  test("two requests in one piece are two requests, whatever the body of the first contains", async () => {
    await using connection = await openRawConnection(service.port);
    const second = withToken("GET /?second HTTP/1.1\r\nHost: a\r\n{A}\r\n");
    connection.send(withToken(`${POST}Content-Length: ${second.length}\r\n\r\n`) + second + second);
    const first = await nextResponse(connection);
    expect(first.status).toBe(200);
    const from = connection.received().length - first.rest.length;
    expect(await nextResponse(connection, { from })).toMatchObject({ status: 200, rest: "" });
    expect(target.requests.slice(-2).map(({ url }) => url)).toEqual(["/", "/?second"]);
  });

  test("trailers of the client are dropped", async () => {
    await using connection = await openRawConnection(service.port);
    connection.send(withToken(`${CHUNKED}1\r\nZ\r\n0\r\nX-Api-Key: evil\r\nAuthorization: Bearer t\r\n\r\n`));
    expect(await nextResponse(connection)).toMatchObject({ status: 200 });
    expect(target.requests.at(-1)?.rawHeaders).not.toContain("evil");
    expect(target.requests.at(-1)?.body.toString()).toBe("Z");
  });

  test("a missing, malformed, unknown or non-canonical token is the same 401 for any method and path", async () => {
    const unknown = formatToken(randomBytes(64));
    const last = token.at(-1)!;
    const otherSpelling = token.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
    const credentials = [
      [],
      ["Authorization: "],
      ["Authorization: Bearer"],
      ["Authorization: Bearer x"],
      [`Authorization: Bearer ${unknown}`],
      [`Authorization: Bearer ${otherSpelling}`],
      [`Authorization: Bearer ${token}=`],
      [`Authorization: Bearer ${token} x`],
      [`Authorization: Bearer ${token},`],
      [`Authorization: Basic ${token}`],
      [`Authorization: ${token}`],
      [`X-Authorization: Bearer ${token}`],
      [`X-Api-Key: ${unknown}`],
      [`api-key: ${token}=`],
      [`X-Amz-Security-Token: ${unknown}`, "Authorization: AWS4-HMAC-SHA256 Credential=x"],
      [`Authorization: Basic ${Buffer.from(`a:${unknown}`).toString("base64")}`],
      [`Authorization: Bearer ${unknown}`, "Upgrade: x"],
      [`Authorization: Bearer ${unknown}`, "Expect: foo"],
    ];
    for (const [challenge, starts] of [
      ["Bearer", ["GET /", "POST /", "TRACE /", "GET /?x"]],
      ['Bearer, Basic realm="membrane"', ["DELETE /x?y", "QUERY /healthz", "M-SEARCH /../"]],
      ['Basic realm="membrane"', ["GET /v2/", "POST /v2/x/blobs/uploads/"]],
    ] as const) {
      const seen = new Set<string>();
      for (const lines of credentials) {
        for (const start of starts) {
          await using connection = await openRawConnection(service.port);
          connection.send([`${start} HTTP/1.1`, "Host: a", ...lines, "", ""].join("\r\n"));
          await connection.until((received) => readRawResponse(received) !== undefined);
          seen.add(connection.received().replace(/^(?:Date|X-Request-Id): .*\r\n/gm, ""));
        }
      }
      expect(seen.size).toBe(1);
      expect([...seen][0]).toMatch(/^HTTP\/1\.1 401 /);
      expect([...seen][0]).toContain(`\r\nWWW-Authenticate: ${challenge}\r\n`);
    }
  });

  test("/healthz responds to GET and HEAD without a token", async () => {
    for (const method of ["GET", "HEAD"]) {
      await using connection = await openRawConnection(service.port);
      connection.send(`${method} /healthz HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(await nextResponse(connection, { method })).toMatchObject({ status: 200 });
    }
  });
});
