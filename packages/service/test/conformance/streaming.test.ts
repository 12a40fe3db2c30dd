import { on, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const MIB = 1024 * 1024;

/** More than the sockets of both hops buffer, and far less than a body of 64 MiB. */
const BOUND = 32 * MIB;
const BODY = 64 * MIB;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** Waits many turns of the event loop, in which all data moves as far as it can. */
async function letEverythingMove(): Promise<void> {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  for (let round = 0; round < 200; round += 1) await call(service, token);
}

test("a target that stops reading makes the client wait, and gets the whole body once it continues", async () => {
  const connected = deferred<Socket>();
  await using target = await startRawTarget((socket) => {
    socket.pause();
    connected.resolve(socket);
  });
  const { token } = await exportTarget(service, { uri: target.url, method: "PUT" });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "PUT / HTTP/1.1", headers: [`Content-Length: ${BODY}`] }));
  connection.send(Buffer.alloc(BODY, "x"));
  const socket = await connected.promise;
  await letEverythingMove();
  expect(connection.socket.bytesWritten - connection.socket.writableLength).toBeLessThan(BOUND);

  socket.on("data", () => {
    if (socket.bytesRead >= BODY) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  socket.resume();
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
});

test("a client that stops reading makes the target wait, and gets the whole body once it continues", async () => {
  const connected = deferred<Socket>();
  await using target = await startRawTarget(
    rawResponder(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\n\r\n`, (socket) => {
      socket.write(Buffer.alloc(BODY, "x"));
      connected.resolve(socket);
    }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.socket.pause();
  connection.send(requestHead(token));
  const socket = await connected.promise;
  await letEverythingMove();
  expect(socket.bytesWritten - socket.writableLength).toBeLessThan(BOUND);

  let bytes = 0;
  connection.socket
    .removeAllListeners("data")
    .on("data", (chunk) => (bytes += chunk.length))
    .resume();
  connection.send(requestHead(undefined, { headers: ["Connection: close"] }));
  await connection.closed;
  expect(bytes).toBeGreaterThan(BODY);
});

test.each([
  ["Content-Length", { "Content-Length": "1000" }],
  ["chunks", {}],
])(
  "when a target's connection fails within a body of %s, the client's response is aborted",
  async (_name, headers) => {
    const responding = deferred<ServerResponse>();
    await using target = await startStreamingTarget((_request, response) => {
      response.writeHead(200, headers).write("half");
      responding.resolve(response);
    });
    const { token } = await exportTarget(service, { uri: target.url });
    const request = httpRequest(service.url, { headers: { authorization: `Bearer ${token}` } }).end();
    const [received] = (await once(request, "response")) as [IncomingMessage];
    await once(received, "data");
    (await responding.promise).destroy();
    await expect(received.toArray()).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(received.complete).toBe(false);
  },
);

test("a target whose connection fails within the client's body is a 502", async () => {
  await using target = await startRawTarget((socket) => void socket.once("data", () => socket.destroy()));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] }));
  connection.send("4\r\nhalf\r\n");
  const response = await nextResponse(connection);
  expect(response.status).toBe(502);
  expect(response.headers.get("connection")).toEqual(["close"]);
});

test.each([
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 200, ["99"]],
  ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, undefined],
  ["GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, undefined],
  ["GET", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, undefined],
  ["GET", 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 99\r\n\r\n', 304, ["99"]],
  ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ["0"]],
])("the response to %s with %j has no body, and the connection serves the next request", async (...row) => {
  const [method, bytes, status, length] = row;
  await using target = await startRawTarget(rawResponder(bytes));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  let from = 0;
  for (let round = 0; round < 3; round += 1) {
    connection.send(requestHead(token, { line: `${method} / HTTP/1.1` }));
    const response = await nextResponse(connection, { method, from });
    expect(response).toMatchObject({ status, body: "", rest: "" });
    expect(response.headers.get("content-length")).toEqual(length);
    from = connection.received().length;
  }
});

test("the Content-Length of a response to a target with method HEAD makes no client wait for a body", async () => {
  await using target = await startRawTarget(
    rawResponder("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Seen: 1\r\n\r\n"),
  );
  const { token } = await exportTarget(service, { uri: target.url, method: "HEAD" });
  for (let round = 0; round < 2; round += 1) {
    const response = await call(service, token);
    expect(response).toMatchObject({ status: 200, text: "", headers: { "x-seen": "1" } });
    expect(response.headers).not.toHaveProperty("content-length");
  }
  expect((await call(service, token, { method: "HEAD" })).headers).toMatchObject({ "content-length": "99" });
});

test("the head arrives before the first event, and each event before the next one is sent", async () => {
  const responding = deferred<ServerResponse>();
  await using target = await startStreamingTarget((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    responding.resolve(response);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
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

test("a chunk of the client's body reaches the target before the next one is sent", async () => {
  const requested = deferred<AsyncIterator<Buffer[]>>();
  await using target = await startStreamingTarget((request, response) => {
    requested.resolve(on(request, "data"));
    request.on("end", () => response.end("done"));
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] }));
  for (const chunk of ["one", "two"]) {
    connection.send(`3\r\n${chunk}\r\n`);
    const received = await requested.promise;
    expect(String((await received.next()).value[0])).toBe(chunk);
  }
  connection.send("0\r\n\r\n");
  expect(await nextResponse(connection)).toMatchObject({ status: 200, body: "done" });
});

test("a response that begins within the request's body continues together with it until both are complete", async () => {
  await using target = await startStreamingTarget((request, response) => {
    response.flushHeaders();
    request.pipe(response);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  let from = 0;
  for (let round = 0; round < 2; round += 1) {
    connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Transfer-Encoding: chunked"] }));
    for (const chunk of ["one", "two", "six"]) {
      connection.send(`3\r\n${chunk}\r\n`);
      await connection.until((received) => received.slice(from).includes(chunk));
    }
    connection.send("0\r\n\r\n");
    expect(await nextResponse(connection, { from })).toMatchObject({ status: 200, body: "onetwosix" });
    from = connection.received().length;
  }
});

test("a response that is sent before the request was read arrives complete, and closes the connection", async () => {
  const large = "x".repeat(4 * MIB);
  await using target = await startStreamingTarget((_request, response) => void response.end(large));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.socket.pause();
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: [`Content-Length: ${2 * BODY}`] }));
  connection.send(Buffer.alloc(BODY, "y"));
  await letEverythingMove();
  connection.socket.resume();
  expect((await nextResponse(connection)).body).toBe(large);
  expect(await connection.closed).toBe("ended");
});
