import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { passTimeUntil } from "../../../testkit/src/pass-time.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import {
  acceptingResponse,
  closeCode,
  handshakeLines,
  nextMessage,
  openWebSocket,
  rawWebSocketServer,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";

/** A WebSocket that is not cut must not delay the suite. */
vi.setConfig({ testTimeout: 30_000 });

/** A clock by which nothing ends because of its time. */
const NO_TIME = () => 0;

/** Longer than the interval at which limits are checked. */
const A_FEW_TICKS_MS = 800;

const causes = (service: TestService): readonly string[] =>
  Array.from(service.logged().matchAll(/"status":101,[^\n]*"cause":"(\w+)"/g), ([, cause]) => cause!);

test("a WebSocket without a byte in either direction is closed after --websocket-idle-timeout-ms", async () => {
  let now = 0;
  await using service = await startTestService({ monotonic: () => now });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  const codes = [closeCode(socket), closeCode(target.sockets[0]!)];
  now += 300_000;
  expect(await Promise.all(codes)).toEqual([1_006, 1_006]);
  expect(causes(service)).toEqual(["IDLE"]);
});

test.each(["client", "target"])("a ping of the %s begins the idle time again", async (side) => {
  let now = 0;
  await using service = await startTestService({ monotonic: () => now });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  const sender = side === "client" ? socket : target.sockets[0]!;
  for (let i = 0; i < 3; i += 1) {
    now += 200_000;
    sender.ping();
    await once(sender, "pong");
    await sleep(A_FEW_TICKS_MS);
  }
  socket.send("still here");
  expect(await nextMessage(socket)).toBe("still here");
  socket.terminate();
});

test("a WebSocket is closed after --invocation-timeout-ms, however much it is used", async () => {
  let now = 0;
  await using service = await startTestService({
    monotonic: () => now,
    limits: { invocationTimeoutMs: 100_000 },
  });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  socket.send("x");
  await nextMessage(socket);
  const closed = closeCode(socket);
  now += 100_000;
  expect(await closed).toBe(1_006);
  expect(causes(service)).toEqual(["TIMEOUT"]);
});

const MIB = Buffer.alloc(1024 * 1024);

test("a client that does not read is cut when it is slower than --min-response-rate over a window", async () => {
  let now = 0;
  await using service = await startTestService({ monotonic: () => now });
  await using target = await startWebSocketTarget({
    onSocket(socket) {
      for (let i = 0; i < 32; i += 1) socket.send(MIB);
    },
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: handshakeLines() }));
  await connection.until((text) => text.includes("\r\n\r\n"));
  connection.socket.pause();
  const [socket] = target.sockets;
  const closed = closeCode(socket!);
  expect(await passTimeUntil(closed, () => (now += 5_000))).toBe(1_006);
  expect(causes(service)).toEqual(["TOO_SLOW"]);
});

test("a target that does not read is cut in the same way", async () => {
  let now = 0;
  await using service = await startTestService({ monotonic: () => now });
  await using target = await startRawTarget(
    rawWebSocketServer(acceptingResponse, (socket) => {
      socket.removeAllListeners("data");
      socket.pause();
    }),
  );
  const { token } = await exportTarget(service, { uri: target.url });
  const socket = await openWebSocket(service, token);
  const closed = closeCode(socket);
  for (let i = 0; i < 32; i += 1) socket.send(MIB);
  expect(await passTimeUntil(closed, () => (now += 5_000))).toBe(1_006);
  expect(causes(service)).toEqual(["TOO_SLOW"]);
});

test("the limits for the silence of an HTTP connection and of a target do not end a WebSocket", async () => {
  let now = 0;
  await using service = await startTestService({
    monotonic: () => now,
    limits: { upstreamResponseTimeoutMs: 400, upstreamIdleTimeoutMs: 400, responseRateWindowMs: 100 },
  });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url, timeoutMs: 400 });
  const socket = await openWebSocket(service, token);
  while (now < 1_200) {
    now += 400;
    await sleep(A_FEW_TICKS_MS);
  }
  socket.send("still here");
  expect(await nextMessage(socket)).toBe("still here");
  socket.terminate();
});

test("WebSockets count as invocations in flight until they end", async () => {
  await using service = await startTestService({
    limits: { maxConcurrentInvocationsPerCapability: 2 },
    monotonic: NO_TIME,
  });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const sockets = [await openWebSocket(service, token), await openWebSocket(service, token)];
  expect(await call(service, token)).toMatchObject({
    status: 429,
    json: { code: "capability_concurrency_exceeded" },
  });
  for (const socket of sockets) {
    const closed = closeCode(socket);
    socket.close();
    await closed;
  }
  await expect.poll(async () => (await call(service, token)).status).toBe(200);
});

test("WebSockets take no place of the requests to their destination, and count as connections to targets", async () => {
  await using service = await startTestService({
    limits: { maxUpstreamConnectionsPerDestination: 1, maxUpstreamConnections: 6 },
    monotonic: NO_TIME,
  });
  await using target = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  // A tenant may have as many connections as it leaves free.
  const sockets = [await openWebSocket(service, token), await openWebSocket(service, token)];
  expect(await call(service, token)).toMatchObject({ status: 200 });
  sockets.push(await openWebSocket(service, token));
  expect(await call(service, token)).toMatchObject({
    status: 429,
    json: { code: "tenant_concurrency_exceeded" },
  });
  const closed = closeCode(sockets[0]!);
  sockets[0]!.terminate();
  await closed;
  await expect.poll(async () => (await call(service, token)).status).toBe(200);
  for (const socket of sockets) socket.terminate();
});

test("of WebSockets that wait for their clients, the one that has waited longest is cut when the memory for all is used up", async () => {
  await using service = await startTestService({ limits: { waitingResponseBytesTotal: 4_194_304 } });
  await using target = await startWebSocketTarget({
    onSocket(socket) {
      for (let i = 0; i < 16; i += 1) socket.send(MIB);
    },
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const connections = [];
  for (let i = 0; i < 12; i += 1) {
    const connection = await openRawConnection(service.port);
    connections.push(connection);
    connection.send(requestHead(token, { headers: handshakeLines() }));
    await connection.until((text) => text.includes("\r\n\r\n"));
    connection.socket.pause();
  }
  await expect.poll(() => causes(service)).toContain("WAITED_TOO_LONG");
  expect(new Set(causes(service))).toEqual(new Set(["WAITED_TOO_LONG"]));
  await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
});

test("a refused handshake leaves no place taken", async () => {
  await using service = await startTestService({ limits: { maxConcurrentInvocationsPerCapability: 1 } });
  await using target = await startWebSocketTarget({ verifyClient: () => false });
  const { token } = await exportTarget(service, { uri: target.url });
  for (let i = 0; i < 3; i += 1) {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, { headers: handshakeLines() }));
    expect(await nextResponse(connection)).toMatchObject({ status: 401 });
    await connection.closed;
  }
});
