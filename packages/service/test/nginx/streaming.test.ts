import { randomFillSync } from "node:crypto";
import { on, once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../../testkit/src/aws4-reference.ts";
import { call, expectStatus } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { TestNginx } from "../../../testkit/src/nginx.ts";
import { startNginx } from "../../../testkit/src/nginx.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const MIB = 1024 * 1024;

function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += MIB) yield body.subarray(at, at + MIB);
}

let service: TestService;
let nginx: TestNginx;
beforeAll(async () => {
  service = await startTestService({ trustedProxies: ["127.0.0.1/32"] });
  nginx = await startNginx(service.port);
});
afterAll(async () => {
  await nginx[Symbol.asyncDispose]();
  await service.close();
});

test("the head arrives before the first event, and each event before the next one is sent", async () => {
  const responding = deferred<ServerResponse>();
  await using target = await startStreamingTarget((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    responding.resolve(response);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(requestHead(token));
  await connection.until(
    (received) => received.includes("text/event-stream") && received.endsWith("\r\n\r\n"),
  );
  const response = await responding.promise;
  for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    response.write(event);
    await connection.until((received) => received.includes(event));
  }
  response.end();
  expect(await nextResponse(connection)).toMatchObject({ body: "data: 1\n\ndata: 2\n\ndata: 3\n\n" });
});

test.each([
  ["chunks", "Transfer-Encoding: chunked", (text: string) => `3\r\n${text}\r\n`, "0\r\n\r\n"],
  ["a known length", "Content-Length: 6", (text: string) => text, ""],
])("a piece of the client's body of %s reaches the target before the next one is sent", async (...row) => {
  const [, framing, frame, end] = row;
  const requested = deferred<AsyncIterator<Buffer[]>>();
  await using target = await startStreamingTarget((request, response) => {
    requested.resolve(on(request, "data"));
    request.on("end", () => response.end("done"));
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [framing] }));
  for (const piece of ["one", "two"]) {
    connection.send(frame(piece));
    const received = await requested.promise;
    expect(String((await received.next()).value[0])).toBe(piece);
  }
  connection.send(end);
  expect(await nextResponse(connection)).toMatchObject({ status: 200, body: "done" });
});

test("64 MiB arrive at the target, and in the response, with their hash unchanged", async () => {
  const body = randomFillSync(Buffer.alloc(64 * MIB));
  const expected = sha256(body);
  await using target = await startTarget((_request, response) => {
    response.end(target.requests.at(-1)?.body);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  for (const sent of [body, Readable.from(piecesOf(body))]) {
    const response = await request(nginx.url, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: sent,
      dispatcher: nginx.agent,
    });
    const returned = Buffer.from(await response.body.bytes());
    const arrived = target.requests.at(-1)?.body ?? Buffer.alloc(0);
    expect([sha256(arrived), sha256(returned)]).toEqual([expected, expected]);
  }
});

test("a revoke cuts an open stream through nginx", async () => {
  const responding = deferred<ServerResponse>();
  await using target = await startStreamingTarget((_request, response) => {
    response.write("first");
    responding.resolve(response);
  });
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  const response = await request(nginx.url, {
    headers: { authorization: `Bearer ${token}` },
    dispatcher: nginx.agent,
  });
  const chunks = response.body[Symbol.asyncIterator]();
  expect(String((await chunks.next()).value)).toBe("first");
  const closed = once(await responding.promise, "close");
  expectStatus(await call(nginx, revoke, { dispatcher: nginx.agent }), 202);
  await expect(chunks.next()).rejects.toThrow(/terminated|other side closed|ECONNRESET|aborted/);
  await closed;
  expect((await call(nginx, token, { dispatcher: nginx.agent })).status).toBe(401);
});

test.each([
  ["a known length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ["chunks, within one", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"],
])(
  "a response that a target aborts within a body of %s never looks complete through nginx",
  async (_name, bytes) => {
    const said = deferred<Socket>();
    await using target = await startRawTarget(rawResponder(bytes, said.resolve));
    const { token } = await exportTarget(service, { uri: target.url });
    await using connection = await openRawConnection(nginx.port, nginx.ca);
    connection.send(requestHead(token));
    await connection.until((received) => received.includes("half"));
    (await said.promise).destroy();
    await connection.closed;
    await expect(nextResponse(connection)).rejects.toThrow("the connection");
  },
);

test.each(["GET / HTTP/1.0", "POST / HTTP/1.0", "GET /"])(
  "%s is not served, since its response could be truncated unnoticed",
  async (line) => {
    await using target = await startTarget();
    const { token } = await exportTarget(service, { uri: target.url });
    await using connection = await openRawConnection(nginx.port, nginx.ca);
    connection.send(requestHead(token, { line, headers: ["Content-Length: 0"] }));
    await connection.closed;
    expect(connection.received()).toMatch(/^HTTP\/1\.1 505 |505 HTTP Version Not Supported/);
    expect(target.requests).toEqual([]);
  },
);

test("a response that is sent before the request was read arrives complete, and closes the connection", async () => {
  const large = "x".repeat(MIB);
  await using target = await startStreamingTarget((_request, response) => void response.end(large));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${128 * MIB}`] }));
  connection.send(Buffer.alloc(16 * MIB, "y"));
  expect((await nextResponse(connection)).body).toBe(large);
  await connection.closed;
});

test.each([
  ["before the response", undefined],
  ["within the response", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"],
  ["within a response of events", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nhalf"],
])("a client that disconnects from nginx %s ends the request to the target", async (_name, bytes) => {
  const requested = deferred<Socket>();
  await using target = await startRawTarget((socket) => {
    socket.once("data", () => requested.resolve(socket));
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(requestHead(token));
  const socket = await requested.promise;
  const closed = new Promise((resolve) => socket.on("close", resolve));
  if (bytes !== undefined) {
    socket.write(bytes);
    await connection.until((received) => received.includes("half"));
  }
  connection.socket.destroy();
  await closed;
});

test("a client that disconnects within its body ends the request to the target", async () => {
  const requested = deferred<Socket>();
  await using target = await startRawTarget((socket) => {
    socket.once("data", () => requested.resolve(socket));
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const connection = await openRawConnection(nginx.port, nginx.ca);
  connection.send(`${requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 9"] })}half`);
  const socket = await requested.promise;
  const closed = new Promise((resolve) => socket.on("close", resolve));
  connection.socket.destroy();
  await closed;
});

test("a request is sent once, even if its kept-alive connection fails", async () => {
  let requests = 0;
  await using upstream = await startRawTarget((socket) => {
    socket.on("data", () => {
      requests += 1;
      if (requests === 1) socket.write(OK_RESPONSE);
      else socket.destroy();
    });
  });
  await using front = await startNginx(upstream.port);
  await using connection = await openRawConnection(front.port, front.ca);
  connection.send(requestHead("first"));
  await nextResponse(connection);
  const from = connection.received().length;
  connection.send(requestHead("second"));
  expect((await nextResponse(connection, { from })).status).toBe(502);
  expect(requests).toBe(2);
});
