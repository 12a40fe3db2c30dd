import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { expect, test, vi } from "vitest";
import { call, createMembrane } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { holdWriteLock } from "../../../testkit/src/store-access.ts";

/*
 * Limits on clients before, between and within requests. Each limit is reached while another client is served.
 */

// Less than the defaults of Node and of the flags, which are half a minute and more.
vi.setConfig({ testTimeout: 20_000 });

/** Expects that another client, on another connection, is served. */
async function expectServed(service: TestService): Promise<void> {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
}

const GET_HEALTH = "GET /healthz HTTP/1.1\r\nHost: membrane.test\r\n\r\n";

test.each([
  ["nothing", ""],
  ["half a head", "GET / HTTP/1.1\r\nHost: membrane.test\r\nX-Slow: "],
  ["the head of a second request", `${GET_HEALTH}GET / HTTP/1.1\r\nHost: `],
])(
  "a connection with only %s within --request-header-timeout-ms gets a 408 and is closed; others are served",
  async (_what, bytes) => {
    // Long enough that the head of the other client arrives within it.
    await using service = await startTestService({ limits: { requestHeaderTimeoutMs: 1_000 } });
    await using slow = await openRawConnection(service.port);
    slow.send(bytes);
    await expectServed(service);
    await slow.closed;
    const received = slow.received();
    expect(received.slice(received.lastIndexOf("HTTP/1.1 "))).toMatch(/^HTTP\/1\.1 408 /);
  },
);

test("a connection that does not finish its TLS handshake within --request-header-timeout-ms is closed", async () => {
  const { cert, key } = await makeCertificate("membrane.test");
  await using service = await startTestService({
    limits: { requestHeaderTimeoutMs: 100 },
    tls: { cert, key },
  });
  await using silent = await openRawConnection(service.port);
  await using slow = await openRawConnection(service.port);
  slow.send("\x16\x03\x01\x02\x00\x01");
  await Promise.all([silent.closed, slow.closed]);
  expect([silent.received(), slow.received()]).toEqual(["", ""]);
});

test("a connection that is idle for --keep-alive-timeout-ms between two requests is closed; one in use is not", async () => {
  await using service = await startTestService({ limits: { keepAliveTimeoutMs: 1_000 } });
  await using idle = await openRawConnection(service.port);
  idle.send(GET_HEALTH);
  expect(await nextResponse(idle)).toMatchObject({ status: 200 });
  await using used = await openRawConnection(service.port);
  const askOnce = async (): Promise<void> => {
    const from = used.received().length;
    used.send(GET_HEALTH);
    expect(await nextResponse(used, { from })).toMatchObject({ status: 200 });
    await sleep(10);
  };
  for (let round = 0; round < 1_000 && !idle.socket.readableEnded; round += 1) await askOnce();
  await idle.closed;
  expect(idle.received().match(/^HTTP/gm)).toHaveLength(1);
  // Longer than it could be open after the other one if its use did not count.
  for (let round = 0; round < 50; round += 1) await askOnce();
});

test("a head that --header-bytes allows is served, even if it is longer than what is read of a connection at once", async () => {
  await using service = await startTestService({ limits: { headerBytes: 256 * 1024 } });
  for (const length of [65_000, 66_000, 200_000]) {
    await using connection = await openRawConnection(service.port);
    connection.send(`GET /healthz HTTP/1.1\r\nHost: membrane.test\r\nX: ${"x".repeat(length)}\r\n\r\n`);
    expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  }
});

test("a head over --header-bytes is a 431, and one under it is served", async () => {
  await using service = await startTestService({ limits: { headerBytes: 4_096 } });
  await using connection = await openRawConnection(service.port);
  connection.send(`GET /healthz HTTP/1.1\r\nHost: membrane.test\r\nX: ${"x".repeat(3_500)}\r\n\r\n`);
  expect(await nextResponse(connection)).toMatchObject({ status: 200 });
  await using large = await openRawConnection(service.port);
  large.send(`GET /healthz HTTP/1.1\r\nHost: membrane.test\r\nX: ${"x".repeat(5_000)}\r\n\r\n`);
  expect(await nextResponse(large)).toMatchObject({ status: 431 });
  await expectServed(service);
});

/** Opens a connection from another loopback address, and returns whether it is served. */
async function isServedFrom(port: number, localAddress: string): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  socket.on("error", () => undefined).write(GET_HEALTH);
  const received: Buffer[] = await socket
    .on("data", () => void socket.end())
    .toArray()
    .catch(() => []);
  return received.length > 0;
}

/** Opens as many connections from 127.0.0.1 as it may have. */
async function openAll(service: TestService, count: number): Promise<readonly RawConnection[]> {
  const open = await Promise.all(Array.from({ length: count }, () => openRawConnection(service.port)));
  for (const connection of open) {
    connection.send(GET_HEALTH);
    await nextResponse(connection);
  }
  return open;
}

test("connections of one address beyond --max-connections-per-address are closed at once; other addresses are served, and a closed one makes room", async () => {
  await using service = await startTestService({ limits: { maxConnectionsPerAddress: 3 } });
  const [first, ...others] = await openAll(service, 3);
  expect(await isServedFrom(service.port, "127.0.0.1")).toBe(false);
  expect(await isServedFrom(service.port, "127.0.0.2")).toBe(true);
  await first?.[Symbol.asyncDispose]();
  await expect.poll(() => isServedFrom(service.port, "127.0.0.1")).toBe(true);
  for (const connection of others) await connection[Symbol.asyncDispose]();
});

test("a trusted proxy has no limit on its connections, since many clients share it", async () => {
  await using service = await startTestService({
    limits: { maxConnectionsPerAddress: 3 },
    trustedProxies: ["127.0.0.1/32"],
  });
  for (const connection of await openAll(service, 8)) await connection[Symbol.asyncDispose]();
});

test("connections of one address are counted before TLS: those beyond the limit cause no handshake", async () => {
  const { cert, key, ca } = await makeCertificate("127.0.0.1");
  await using service = await startTestService({
    limits: { maxConnectionsPerAddress: 2 },
    tls: { cert, key },
  });
  const silent = await Promise.all([1, 2].map(() => openRawConnection(service.port)));
  await using beyond = await openRawConnection(service.port);
  await beyond.closed;
  for (const connection of silent) await connection[Symbol.asyncDispose]();
  const dispatcher = new Agent({ connect: { ca } });
  const health = (): Promise<number> =>
    call(service, undefined, { path: "/healthz", dispatcher }).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(health).toBe(200);
  await dispatcher.close();
});

test("a management body over --management-body-bytes is a 413 that names the limit, with a length and in chunks", async () => {
  await using service = await startTestService({ limits: { managementBodyBytes: 1_000 } });
  const body = JSON.stringify({ id: "x".repeat(2_000) });
  const refused = { statusCode: 413, code: "body_too_large", message: "The body exceeds 1000 bytes." };
  expect((await call(service, service.tokens.create, { body })).json).toMatchObject(refused);
  await using connection = await openRawConnection(service.port);
  const headers = ["Transfer-Encoding: chunked"];
  connection.send(requestHead(service.tokens.create, { line: "POST / HTTP/1.1", headers }));
  connection.send(`${body.length.toString(16)}\r\n${body}\r\n`);
  expect(JSON.parse((await nextResponse(connection)).body)).toMatchObject(refused);
  await createMembrane(service, service.tokens.create, "x");
});

test("a management body deeper than --max-json-depth is a 400 that says so, and one of that depth is parsed", async () => {
  await using service = await startTestService({ limits: { maxJsonDepth: 4 } });
  const refusal = async (id: string): Promise<string> =>
    (await call(service, service.tokens.create, { body: `{"id":${id}}` })).json.message;
  expect(await refusal("[[[[]]]]")).toBe("body: expected at most 4 levels of nested objects and lists");
  expect(await refusal("[[[]]]")).toMatch(/^id: /);
  await createMembrane(service, service.tokens.create, "[[[[[[[[");
});

test("a write that cannot begin within --store-write-timeout-ms is a 503, and nothing is stored; invocations are served", async () => {
  await using service = await startTestService({ limits: { storeWriteTimeoutMs: 1_000 } });
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  {
    await using _writer = await holdWriteLock(service.directory);
    const refused = await call(service, service.tokens.create, { body: { id: "late" } });
    expect(refused).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
    expect(refused.headers["retry-after"]).toBe("1");
    expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
  }
  const { json } = await call(service, service.tokens.query, { path: "/?id=late" });
  expect(json).toEqual({ membranes: [], completed: true });
  await createMembrane(service, service.tokens.create, "late");
});
