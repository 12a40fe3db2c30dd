import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { call } from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { passTimeUntil } from "../../../testkit/src/pass-time.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import type { RawConnection } from "../../../testkit/src/raw-connection.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const AWS4 = {
  "aws4-hmac-sha256": {
    awsAccessKeyId: "AKIDEXAMPLE",
    region: "us-east-1",
    service: "lambda",
    secretAccessKey: "secret",
  },
};

/** Expects that another client is served meanwhile. */
async function expectOthersServed(service: TestService): Promise<void> {
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  expect((await call(service, token)).text).toBe("ok");
}

/** Sends `bytes` every 50 ms until the connection ends, at most 200 times. */
function drip(connection: RawConnection, bytes: string): () => void {
  let left = 200;
  const timer = setInterval(() => {
    left -= 1;
    if (left === 0 || connection.socket.destroyed) clearInterval(timer);
    else connection.send(bytes);
  }, 50);
  return () => clearInterval(timer);
}

/** Sends 800 bytes of a body of 801 once the service reads it. */
async function beginHeld(connection: RawConnection, token: string): Promise<void> {
  const headers = ["Content-Length: 801", "Expect: 100-continue"];
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
  await connection.until((text) => text.includes("100 Continue"));
  connection.send("x".repeat(800));
}

const POST = { line: "POST / HTTP/1.1", headers: ["Content-Length: 1000000"] };

test.each([
  ["that streams", {}],
  ["that is buffered to be signed", { hmac: AWS4 }],
])(
  "a body %s and arrives byte by byte is a 408 after the time limit, and others are served",
  async (_how, extra) => {
    await using service = await startTestService({
      limits: { requestRateWindowMs: 400, minRequestRate: 1_000 },
    });
    await using target = await startStreamingTarget((request) => void request.resume());
    const { token } = await exportTarget(service, { uri: target.url, ...extra });
    await using connection = await openRawConnection(service.port);
    connection.send(requestHead(token, POST));
    const stop = drip(connection, "x");
    await expectOthersServed(service);
    const response = await nextResponse(connection);
    stop();
    expect([response.status, JSON.parse(response.body).code]).toEqual([408, "request_timeout"]);
  },
);

test("a management body that arrives byte by byte is a 408 after the time limit", async () => {
  await using service = await startTestService({
    limits: { requestRateWindowMs: 400, minRequestRate: 1_000 },
  });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(service.tokens.create, POST));
  const stop = drip(connection, " ");
  await expectOthersServed(service);
  expect((await nextResponse(connection)).status).toBe(408);
  stop();
});

test("a slow body at the minimum rate arrives complete", async () => {
  let now = 0;
  await using service = await startTestService({
    limits: { requestRateWindowMs: 300, minRequestRate: 100 },
    monotonic: () => now,
  });
  let arrived = 0;
  await using target = await startStreamingTarget((request, response) => {
    request.on("data", ({ length }: Buffer) => (arrived += length)).on("end", () => response.end());
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers: ["Content-Length: 300"] }));
  for (let sent = 15; sent <= 300; sent += 15) {
    connection.send("x".repeat(15));
    await expect.poll(() => arrived).toBe(sent);
    // Long enough that the service looks meanwhile, some of the times.
    await sleep(50);
    now += 50;
  }
  expect((await nextResponse(connection)).status).toBe(200);
});

test("the connection of a client that reads a few bytes now and then is closed after the time limit, and others are served", async () => {
  await using service = await startTestService({
    limits: { responseRateWindowMs: 400, minResponseRate: 10_000_000, shutdownTimeoutMs: 60_000 },
  });
  const cut = deferred<void>();
  await using target = await startStreamingTarget((_request, response) => {
    const pour = (): void => {
      while (response.writable && response.write("x".repeat(64 * 1024)));
      response.once("drain", pour);
    };
    response.on("close", () => cut.resolve());
    pour();
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  connection.socket.pause();
  const sips = setInterval(() => connection.socket.read(1_000), 50);
  await expectOthersServed(service);
  await cut.promise;
  clearInterval(sips);
});

test("rare events are passed on as long as they arrive, however high the minimum rate is", async () => {
  const rates = { minResponseRate: 1_000_000_000, minRequestRate: 1_000_000_000 };
  await using service = await startTestService({
    limits: { responseRateWindowMs: 100, requestRateWindowMs: 100, ...rates },
  });
  let stream: ServerResponse | undefined;
  await using target = await startStreamingTarget((_request, response) => {
    stream = response;
    response.write("data: 0\n\n");
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  for (let event = 1; event <= 4; event += 1) {
    await connection.until((text) => text.includes(`data: ${event - 1}\n`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    stream!.write(`data: ${event}\n\n`);
  }
  stream!.end("data: end\n\n");
  await connection.until((text) => text.endsWith("0\r\n\r\n"));
});

test("an invocation that continues ends at its total time limit: aborted if the response has begun, otherwise with a 504", async () => {
  let now = 0;
  const pass = () => (now += 50);
  await using service = await startTestService({
    limits: { invocationTimeoutMs: 500 },
    monotonic: () => now,
  });
  await using target = await startStreamingTarget((request, response) => {
    request.resume();
    if (request.method === "POST") return;
    const timer = setInterval(() => response.write("data: x\n\n"), 20);
    response.on("close", () => clearInterval(timer));
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using endless = await openRawConnection(service.port);
  endless.send(requestHead(token));
  await endless.until((text) => text.includes("data: x"));
  await expectOthersServed(service);
  await passTimeUntil(endless.closed, pass);
  expect(endless.received()).not.toMatch(/\r\n0\r\n\r\n$/);

  await using sending = await openRawConnection(service.port);
  sending.send(requestHead(token, POST));
  const stop = drip(sending, "x".repeat(100));
  expect((await passTimeUntil(nextResponse(sending), pass)).status).toBe(504);
  stop();
});

test("a target that does not begin its response in time is a 504, and one that has begun may pause for longer", async () => {
  let now = 0;
  await using service = await startTestService({
    limits: { upstreamResponseTimeoutMs: 300, upstreamIdleTimeoutMs: 60_000 },
    monotonic: () => now,
  });
  const responses: ServerResponse[] = [];
  await using target = await startStreamingTarget((_request, response) => {
    if (responses.push(response) === 1) response.write("begun");
  });
  const { token } = await exportTarget(service, { uri: target.url });
  await using begun = await openRawConnection(service.port);
  begun.send(requestHead(token));
  await begun.until((text) => text.includes("begun"));
  const late = call(service, token);
  await expect.poll(() => responses.length).toBe(2);
  const response = await passTimeUntil(late, () => (now += 100));
  expect(response).toMatchObject({ status: 504, json: { code: "target_timeout" } });
  responses[0]!.end(" and ended");
  expect((await nextResponse(begun)).body).toBe("begun and ended");
});

test("when a target stops sending within its response, the response is aborted, and others are served", async () => {
  let now = 0;
  await using service = await startTestService({
    limits: { upstreamIdleTimeoutMs: 300 },
    monotonic: () => now,
  });
  await using target = await startStreamingTarget((_request, response) => void response.write("begun"));
  const { token } = await exportTarget(service, { uri: target.url });
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token));
  await connection.until((text) => text.includes("begun"));
  await expectOthersServed(service);
  await passTimeUntil(connection.closed, () => (now += 100));
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n$/);
});

test("more buffered bodies than a capability may have are a 429 with Retry-After; streaming is served, and a finished one makes room", async () => {
  await using service = await startTestService({
    limits: { bufferedBytesTotal: 3_000, bufferedBodyBytes: 900 },
  });
  await using target = await startTarget();
  const { token } = await exportTarget(service, { uri: target.url });
  const { token: signed } = await exportTarget(service, { uri: target.url, hmac: AWS4 });
  await using holding = await openRawConnection(service.port);
  await beginHeld(holding, signed);
  const over = () => call(service, signed, { body: "y".repeat(300) });
  const refused = await over();
  expect(refused.status).toBe(429);
  expect(refused).toMatchObject({
    json: { code: "capability_concurrency_exceeded" },
    headers: { "retry-after": "1" },
  });
  expect((await call(service, token, { body: "z".repeat(5_000) })).text).toBe("ok");
  holding.send("x");
  await holding.until((text) => text.includes("200 OK"));
  expect((await over()).status).toBe(200);

  await using leaving = await openRawConnection(service.port);
  await beginHeld(leaving, signed);
  expect((await over()).status).toBe(429);
  leaving.socket.destroy();
  await once(leaving.socket, "close");
  await expect.poll(async () => (await over()).status).toBe(200);
});

test("requests beyond the connections that one destination may have wait; another destination is served", async () => {
  await using service = await startTestService({ limits: { maxUpstreamConnectionsPerDestination: 1 } });
  const owed: ServerResponse[] = [];
  await using target = await startStreamingTarget((_request, response) => void owed.push(response));
  const { token } = await exportTarget(service, { uri: target.url });
  const first = call(service, token);
  await expect.poll(() => owed.length).toBe(1);
  const second = call(service, token);
  await expectOthersServed(service);
  expect(owed.length).toBe(1);
  owed[0]!.end("first");
  await expect.poll(() => owed.length).toBe(2);
  owed[1]!.end("second");
  expect([(await first).text, (await second).text]).toEqual(["first", "second"]);
});

test("a request that waits for a connection, for a response that does not come, and for one to be sent once more, is not cut off as silent", async () => {
  let now = 0;
  await using service = await startTestService({
    monotonic: () => now,
    limits: {
      maxUpstreamConnectionsPerDestination: 1,
      upstreamResponseTimeoutMs: 30_000,
      upstreamIdleTimeoutMs: 30_000,
      requestRateWindowMs: 100,
      responseRateWindowMs: 100,
    },
  });
  const owed: ServerResponse[] = [];
  await using target = await startStreamingTarget(async (_request, response) => {
    owed.push(response);
    const isSecond = owed.length === 2;
    for (let step = 0; step < 24; step += 1, now += 1_000) await sleep(100);
    if (isSecond) response.destroy();
    else response.end("ok");
  });
  const { token } = await exportTarget(service, { uri: target.url });
  const first = call(service, token);
  await expect.poll(() => owed.length).toBe(1);
  expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
  expect(await first).toMatchObject({ status: 200, text: "ok" });
  expect(owed.length).toBe(3);
});

test("idle connections are closed after the time limit", async () => {
  await using service = await startTestService({ limits: { upstreamPoolIdleMs: 200 } });
  const closed = deferred<void>();
  await using target = await startStreamingTarget((request, response) => {
    request.socket.on("close", () => closed.resolve());
    response.end("ok");
  });
  const { token } = await exportTarget(service, { uri: target.url });
  expect((await call(service, token)).text).toBe("ok");
  await closed.promise;
  expect((await call(service, token)).text).toBe("ok");
});
