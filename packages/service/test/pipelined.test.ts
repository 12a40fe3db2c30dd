import { once } from "node:events";
import { expect, test } from "vitest";
import { call } from "../src/testkit/client.ts";
import { openDoor } from "../src/testkit/door.ts";
import { promised } from "../src/testkit/promised.ts";
import { startTestService } from "../src/testkit/service.ts";
import { OK_ANSWER, speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startStreamingTarget } from "../src/testkit/target.ts";
import { nextAnswer, openWire, requestHead } from "../src/testkit/wire.ts";

test("of a hundred requests sent at once on one connection one is under way, and when their sender leaves none", async () => {
  // It would wait a minute, longer than this test may take, for whatever is still under way.
  await using service = await startTestService({ limits: { shutdownMs: 60_000 } });
  let connections = 0;
  const ended = promised<void>();
  await using target = await startRawTarget((socket) => {
    connections += 1;
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
    socket.on("close", () => ended.resolve());
  });
  const { door } = await openDoor(service, { uri: target.url });
  {
    await using wire = await openWire(service.port);
    wire.send(requestHead(door).repeat(100));
    await wire.until((received) => received.endsWith("half"));
    expect(connections).toBe(1);
  }
  await ended.promise;
  await service.close();
});

test("requests sent at once on one connection are answered one after the other", async () => {
  await using service = await startTestService();
  await using target = await startRawTarget(speaker(OK_ANSWER));
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(service.port);
  wire.send(requestHead(door).repeat(5));
  for (let from = 0, count = 0; count < 5; count += 1) {
    const answer = await nextAnswer(wire, { from });
    expect(answer.status).toBe(200);
    from = wire.received().length - answer.rest.length;
  }
});

test("a requester that stops reading is cut after its time, and so is the target's connection", async () => {
  await using service = await startTestService({ limits: { readerIdleMs: 100, shutdownMs: 60_000 } });
  const cut = promised<void>();
  await using target = await startRawTarget((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(64 * 1024 * 1024)}`);
    socket.on("close", () => cut.resolve());
  });
  const { door } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(service.port);
  wire.socket.pause();
  wire.send(requestHead(door));
  await cut.promise;
  await service.close();
});

test("whoever asks a target of another method for the head alone does not have its body pulled", async () => {
  await using service = await startTestService({ limits: { shutdownMs: 60_000 } });
  let ended: Promise<unknown> = Promise.resolve();
  await using target = await startStreamingTarget((_request, response) => {
    ended = once(response, "close");
    const pour = (): void => {
      while (response.writable && response.write("x".repeat(64 * 1024)));
      response.once("drain", pour);
    };
    pour();
  });
  const { door } = await openDoor(service, { uri: target.url, method: "GET" });
  await using wire = await openWire(service.port);
  wire.send(requestHead(door, { line: "HEAD / HTTP/1.1" }));
  expect(await nextAnswer(wire, { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  await ended;
});

test("what stands behind a request whose answer closes the connection is not carried out", async () => {
  await using service = await startTestService({ limits: { managementBodyBytes: 1_000 } });
  let count = 0;
  await using target = await startStreamingTarget((_request, response) => {
    count += 1;
    response.end("ok");
  });
  const { door, export: exporting } = await openDoor(service, { uri: target.url });
  const unclear = `${requestHead(door, { headers: ["Transfer-Encoding: gzip, chunked"] })}0\r\n\r\n`;
  const line = "POST / HTTP/1.1";
  // More than Node takes in before the body is asked for, whichever version it is.
  const length = 4_000_000;
  const tooLong =
    requestHead(exporting, { line, headers: [`Content-Length: ${length}`] }) + "x".repeat(length);
  const all = [
    [unclear, 400],
    [tooLong, 413],
  ] as const;
  for (const [sent, status] of all) {
    count = 0;
    await using wire = await openWire(service.port);
    wire.send(requestHead(door) + sent + requestHead(door));
    const { rest } = await nextAnswer(wire);
    expect(await nextAnswer(wire, { from: wire.received().length - rest.length })).toMatchObject({ status });
    await wire.closed;
    expect(count).toBe(1);
  }
});

test("what stands behind a body that was not read to its end is not carried out", async () => {
  await using service = await startTestService();
  await using target = await startStreamingTarget((_request, response) => void response.end("ok"));
  const { door, revoke } = await openDoor(service, { uri: target.url });
  await using wire = await openWire(service.port);
  wire.send(`${requestHead(door, { line: "POST / HTTP/1.1", headers: ["Content-Length: 10"] })}half-`);
  expect(await nextAnswer(wire)).toMatchObject({ status: 200, body: "ok" });
  wire.send(`whole${requestHead(revoke)}`);
  await wire.closed;
  // Written behind whatever the revoke would have written.
  await openDoor(service, { uri: target.url });
  expect((await call(service, door)).status).toBe(200);
});
