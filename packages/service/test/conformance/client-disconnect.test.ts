import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";

/** Starts a service that would wait a minute for requests in flight when it stops, longer than these tests may take. */
async function startPatientService(): Promise<TestService> {
  return startTestService({ limits: { shutdownTimeoutMs: 60_000 } });
}

const HALF_A_BODY = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf";
const POST = { line: "POST / HTTP/1.1", headers: ["Content-Length: 1000"] };

const CASES: readonly (readonly [
  string,
  (connection: RawConnection, token: string, socket: Promise<Socket>) => Promise<void>,
])[] = [
  [
    "before the response",
    async (connection, token, socket) => {
      connection.send(requestHead(token));
      await socket;
    },
  ],
  [
    "within its body",
    async (connection, token, socket) => {
      connection.send(`${requestHead(token, POST)}half`);
      await socket;
    },
  ],
  [
    "within the response",
    async (connection, token, socket) => {
      connection.send(requestHead(token));
      (await socket).write(HALF_A_BODY);
      await connection.until((received) => received.endsWith("half"));
    },
  ],
  [
    "within a response that it does not read",
    async (connection, token, socket) => {
      connection.socket.pause();
      connection.send(requestHead(token));
      (await socket).write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(64 * 1024 * 1024)}`);
    },
  ],
  [
    "within its body and a response",
    async (connection, token, socket) => {
      connection.send(`${requestHead(token, POST)}half`);
      (await socket).write(HALF_A_BODY);
      await connection.until((received) => received.endsWith("half"));
    },
  ],
];

test.each(CASES)(
  "a client that disconnects %s ends the connection to the target, and nothing stays in flight",
  { timeout: 10_000 },
  async (_name, untilThen) => {
    await using service = await startPatientService();
    const connected = deferred<Socket>();
    const requested = deferred<Socket>();
    await using target = await startRawTarget((socket) => {
      connected.resolve(socket);
      socket.once("data", () => requested.resolve(socket));
    });
    const { token } = await exportTarget(service, { uri: target.url });
    const connection = await openRawConnection(service.port);
    await untilThen(connection, token, requested.promise);
    const socket = await connected.promise;
    const closed = new Promise((resolve) => socket.on("close", resolve));
    connection.socket.destroy();
    await closed;
    await service.close();
    expect(service.logged().split('"client disconnected"')).toHaveLength(2);
  },
);

test("a client that disconnects within a body buffered for a signature is dropped, and the target gets no connection", async () => {
  await using service = await startPatientService();
  await using target = await startRawTarget(() => undefined);
  const key = { awsAccessKeyId: "A", region: "r", service: "lambda", secretAccessKey: "s" };
  const { token } = await exportTarget(service, { uri: target.url, hmac: { "aws4-hmac-sha256": key } });
  const connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { ...POST, headers: [...POST.headers, "Expect: 100-continue"] }));
  await connection.until((received) => received.startsWith("HTTP/1.1 100"));
  connection.send("half");
  connection.socket.destroy();
  await service.close();
  expect(service.logged()).toContain('"client disconnected"');
  expect(target.received()).toBe("");
});

test.each([
  ["while the name of its target is looked up", 1],
  ["while it waits for a connection", 2],
])(
  "a client that disconnects %s is dropped at once, and nothing waits or opens a connection for it",
  async (_when, clients) => {
    const asked = deferred<void>();
    const limits = {
      shutdownTimeoutMs: 60_000,
      maxUpstreamConnectionsPerDestination: 1,
      upstreamConnectTimeoutMs: 60_000,
    };
    await using service = await startTestService({ limits, lookup: () => asked.resolve() });
    const { token } = await exportTarget(service, { uri: "http://target.example/" });
    const connections = await Promise.all(
      Array.from({ length: clients }, () => openRawConnection(service.port)),
    );
    for (const connection of connections) connection.send(requestHead(token));
    await asked.promise;
    await letArrive(service);
    for (const connection of connections) connection.socket.destroy();
    await left(service, clients);
  },
);

test("a client that disconnects while an early response is delayed for its body is dropped at once", async () => {
  await using service = await startPatientService();
  const requested = deferred<Socket>();
  await using target = await startRawTarget((socket) => {
    socket.once("data", () => {
      socket.pause();
      requested.resolve(socket);
    });
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const connection = await openRawConnection(service.port);
  connection.socket.pause();
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 99999999"] }));
  connection.send(Buffer.alloc(4 * 1024 * 1024, "x"));
  const socket = await requested.promise;
  socket.write(`HTTP/1.1 413 Too Large\r\n\r\n${"x".repeat(32 * 1024 * 1024)}`);
  await letArrive(service);
  connection.socket.destroy();
  await left(service, 1);
});

/** Waits until the log has this many disconnected clients, for less time than any limit of the service. */
async function left(service: TestService, clients: number): Promise<void> {
  const times = (): number => service.logged().split('"client disconnected"').length - 1;
  await expect.poll(times, { timeout: 10_000 }).toBe(clients);
}

/** Waits many turns of the event loop, in which all sent bytes arrive. */
async function letArrive(service: TestService): Promise<void> {
  await using other = await startTarget();
  const { token } = await exportTarget(service, { uri: other.url });
  for (let round = 0; round < 20; round += 1) await call(service, token);
}

test("a client that disconnects causes no further connection to the target", async () => {
  await using service = await startTestService();
  let connections = 0;
  const closed = deferred<void>();
  await using target = await startRawTarget((socket) => {
    connections += 1;
    socket.write(HALF_A_BODY);
    socket.on("close", () => closed.resolve());
  });
  await using other = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const { token: another } = await exportTarget(service, { uri: other.url });
  {
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token));
    await connection.until((received) => received.endsWith("half"));
  }
  await closed.promise;
  for (let round = 0; round < 50; round += 1) await call(service, another);
  expect(connections).toBe(1);
});
