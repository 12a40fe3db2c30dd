import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { READ_BYTES } from "../../src/egress/read-buffer.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startStreamingTarget } from "../../../testkit/src/target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

test("of a hundred pipelined requests on one connection, one is in flight, and none after the client disconnects", async () => {
  // A service with requests in flight would take a minute to stop, longer than this test may take.
  await using service = await startTestService({ limits: { shutdownTimeoutMs: 60_000 } });
  let connections = 0;
  const ended = deferred<void>();
  await using target = await startRawTarget((socket) => {
    connections += 1;
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
    socket.on("close", () => ended.resolve());
  });
  const { token } = await exportTarget(service, { uri: target.url });
  {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token).repeat(100));
    await connection.until((received) => received.endsWith("half"));
    expect(connections).toBe(1);
  }
  await ended.promise;
  await service.close();
});

test("pipelined requests on one connection get their responses in order", async () => {
  await using service = await startTestService();
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token).repeat(5));
  for (let from = 0, count = 0; count < 5; count += 1) {
    const response = await nextResponse(connection, { from });
    expect(response.status).toBe(200);
    from = connection.received().length - response.rest.length;
  }
});

test("what is pipelined around a request in chunks is read in its order, however much of it waits", async () => {
  await using service = await startTestService();
  await using target = await startStreamingTarget(async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    response.end(`${request.method} ${bytes}.`);
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const head = (line: string, ...headers: string[]): string => requestHead(token, { line, headers });
  const CHUNK = 32_000;
  const before = [
    head("GET / HTTP/1.1"),
    head("OPTIONS / HTTP/1.1", "Transfer-Encoding: chunked"),
    `${CHUNK.toString(16)}\r\n${"c".repeat(CHUNK)}\r\n0\r\n\r\n`,
  ].join("");
  const put = (bytes: number): string =>
    head("PUT / HTTP/1.1", `Content-Length: ${bytes}`) + "p".repeat(bytes);
  const after = head("DELETE / HTTP/1.1");
  // The first piece begins a request. Then what waits for its response is read, what the connection is read ahead, and a few bytes.
  const FIRST = 5_000;
  const BODY = FIRST + 2 * READ_BYTES + 20 - (before + put(0) + after).length - "00000".length;
  const requests = before + put(BODY) + after;
  for (let round = 0; round < 10; round += 1) {
    await using connection = await openRawConnection(service.port);
    connection.send(requests.slice(0, FIRST));
    await setTimeout(1);
    connection.send(requests.slice(FIRST));
    const bodies: string[] = [];
    for (let from = 0; bodies.length < 4;) {
      const response = await nextResponse(connection, { from });
      bodies.push(response.body);
      from = connection.received().length - response.rest.length;
    }
    expect(bodies).toEqual(["GET 0.", `OPTIONS ${CHUNK}.`, `PUT ${BODY}.`, "DELETE 0."]);
  }
});

test("the connections of a client that stops reading and of its target are closed after the time limit", async () => {
  await using service = await startTestService({
    limits: { responseRateWindowMs: 100, shutdownTimeoutMs: 60_000 },
  });
  const cut = deferred<void>();
  await using target = await startRawTarget((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(64 * 1024 * 1024)}`);
    socket.on("close", () => cut.resolve());
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.socket.pause();
  connection.send(requestHead(token));
  await cut.promise;
  await service.close();
});

test("a HEAD request to a target with method GET gets no body, and the service ends the target's response", async () => {
  await using service = await startTestService({ limits: { shutdownTimeoutMs: 60_000 } });
  let ended: Promise<unknown> = Promise.resolve();
  await using target = await startStreamingTarget((_request, response) => {
    ended = once(response, "close");
    const pour = (): void => {
      while (response.writable && response.write("x".repeat(64 * 1024)));
      response.once("drain", pour);
    };
    pour();
  });
  const { token } = await exportTarget(service, { uri: target.url, method: "GET" });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "HEAD / HTTP/1.1" }));
  expect(await nextResponse(connection, { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  await ended;
});

test("a request after one whose response closes the connection is not carried out", async () => {
  await using service = await startTestService({ limits: { managementBodyBytes: 1_000 } });
  let count = 0;
  await using target = await startStreamingTarget((_request, response) => {
    count += 1;
    response.end("ok");
  });
  const { token, export: exporting } = await exportTarget(service, { uri: target.url });
  const unclear = `${requestHead(token, { headers: ["Transfer-Encoding: gzip, chunked"] })}0\r\n\r\n`;
  const line = "POST / HTTP/1.1";
  // More than any version of Node buffers before the body is read.
  const length = 4_000_000;
  const tooLong =
    requestHead(exporting, { line, headers: [`Content-Length: ${length}`] }) + "x".repeat(length);
  const all = [
    [unclear, 400],
    [tooLong, 413],
  ] as const;
  for (const [sent, status] of all) {
    count = 0;
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token) + sent + requestHead(token));
    const { rest } = await nextResponse(connection);
    expect(
      await nextResponse(connection, { from: connection.received().length - rest.length }),
    ).toMatchObject({ status });
    await connection.closed;
    expect(count).toBe(1);
  }
});

test("a request after a body that was not read to its end is not carried out", async () => {
  await using service = await startTestService();
  await using target = await startStreamingTarget((_request, response) => void response.end("ok"));
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(`${requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 10"] })}half-`);
  expect(await nextResponse(connection)).toMatchObject({ status: 200, body: "ok" });
  connection.send(`whole${requestHead(revoke)}`);
  await connection.closed;
  // This write follows any write of the revoke.
  await exportTarget(service, { uri: target.url });
  expect((await call(service, token)).status).toBe(200);
});
