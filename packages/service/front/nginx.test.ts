import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { Agent } from "undici";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { call, expectStatus } from "../src/testkit/client.ts";
import { openDoor } from "../src/testkit/door.ts";
import { startFront } from "../src/testkit/nginx.ts";
import type { Front } from "../src/testkit/nginx.ts";
import { promised } from "../src/testkit/promised.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { speaker } from "../src/testkit/speaker.ts";
import { startRawTarget, startStreamingTarget, startTarget } from "../src/testkit/target.ts";
import { makeCertificate } from "../src/testkit/tls-target.ts";
import type { TestCertificate } from "../src/testkit/tls-target.ts";

/* The configuration of examples/nginx, as it stands, in front of a service that trusts it. */

const FAILURES = 5;
const SIZE = 64 * 1024 * 1024;

let certificate: TestCertificate;
let service: TestService;
let front: Front;
let time = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  certificate = await makeCertificate("127.0.0.1");
  service = await startTestService({
    trustedProxies: ["127.0.0.1/32"],
    limits: { failedAuthorizationsPerMinute: FAILURES, connectionsPerAddress: 2 },
    now: () => new Date(time),
  });
  front = await startFront(service, certificate);
});

afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await service.close();
});

beforeEach(() => {
  time += 3_600_000;
});

/** A request through the front, whose body is written piece by piece. */
function ask(door: string, method = "GET", headers: Record<string, string | number> = {}) {
  const request = httpsRequest(front.url, {
    method,
    ca: certificate.ca,
    agent: false,
    headers: { authorization: `Bearer ${door}`, ...headers },
  });
  const answered = once(request, "response").then(([answer]: IncomingMessage[]) => answer!);
  answered.catch(() => undefined);
  return { request, answered };
}

/** A client at an address of its own. */
function clientAt(localAddress: string): Agent {
  return new Agent({ localAddress, connect: { ca: certificate.ca } });
}

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("events reach their reader one by one, each before the next is sent", async () => {
  const begun = promised<ServerResponse>();
  await using target = await startStreamingTarget((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    begun.resolve(response);
  });
  const { door } = await openDoor(service, { uri: target.url });
  const { request, answered } = ask(door);
  request.end();
  const answer = await answered;
  const pieces = answer[Symbol.asyncIterator]();
  for (let event = 0; event < 5; event += 1) {
    (await begun.promise).write(`data: ${event}\n\n`);
    expect(String((await pieces.next()).value)).toBe(`data: ${event}\n\n`);
  }
  (await begun.promise).end();
  expect((await pieces.next()).done).toBe(true);
});

test("a body reaches the target piece by piece, each before the next is sent", async () => {
  const begun = promised<IncomingMessage>();
  await using target = await startStreamingTarget((received, response) => {
    begun.resolve(received);
    received.on("end", () => response.end("all"));
  });
  const { door } = await openDoor(service, { uri: target.url });
  const { request, answered } = ask(door, "POST");
  request.write("0");
  const pieces = (await begun.promise)[Symbol.asyncIterator]();
  for (let piece = 0; piece < 5; piece += 1) {
    expect(String((await pieces.next()).value)).toBe(`${piece}`);
    request.write(`${piece + 1}`);
  }
  request.end();
  for await (const _rest of { [Symbol.asyncIterator]: () => pieces });
  expect((await (await answered).toArray()).join("")).toBe("all");
});

test.each([
  ["a length", { "content-length": SIZE }],
  ["chunks", { "transfer-encoding": "chunked" }],
])("64 MiB with %s arrive as they were sent, up and then down", async (_how, headers) => {
  await using target = await startStreamingTarget(async (request, response) => {
    const received = Buffer.concat(await request.toArray());
    response.writeHead(200, headers).end(received);
  });
  const { door } = await openDoor(service, { uri: target.url });
  const body = randomBytes(SIZE);
  const { request, answered } = ask(door, "PUT", headers);
  request.end(body);
  const echoed = Buffer.concat(await (await answered).toArray());
  expect([echoed.length, digestOf(echoed)]).toEqual([SIZE, digestOf(body)]);
});

test("each client counts for itself, whatever it says of itself; one that fails too often holds up no other", async () => {
  const { door } = await openDoor(service, { uri: "http://127.0.0.1:9/" });
  const [one, other] = [clientAt("127.0.0.4"), clientAt("127.0.0.5")];
  const fail = (dispatcher: Agent, forwardedFor: string) =>
    call(front, "CPBLTY1-none", { dispatcher, headers: { "x-forwarded-for": forwardedFor } });
  for (let failure = 0; failure < FAILURES; failure += 1)
    expectStatus(await fail(one, `10.0.0.${failure}`), 401);
  expectStatus(await fail(one, "10.0.0.9"), 429);
  expectStatus(await fail(other, "127.0.0.4"), 401);
  expectStatus(await call(front, door, { dispatcher: other }), 502);
  await one.close();
  await other.close();
});

test("many clients of one front are not the many connections of one address", async () => {
  const begun: ServerResponse[] = [];
  await using target = await startStreamingTarget((_request, response) => void begun.push(response));
  const { door } = await openDoor(service, { uri: target.url });
  const asked = Array.from({ length: 8 }, () => ask(door));
  asked.forEach(({ request }) => request.end());
  await expect.poll(() => begun.length).toBe(8);
  begun.forEach((response) => response.end());
  for (const { answered } of asked) expect((await answered).resume().statusCode).toBe(200);
});

test("a revoke cuts an open answer, and the client sees that it is not whole", async () => {
  await using target = await startStreamingTarget((_request, response) => void response.write("begun"));
  const { door, revoke } = await openDoor(service, { uri: target.url });
  const { request, answered } = ask(door);
  request.end();
  const answer = await answered;
  const [piece] = (await once(answer, "data")) as [Buffer];
  expect(piece.toString()).toBe("begun");
  expectStatus(await call(service, revoke), 202);
  await expect(answer.toArray()).rejects.toThrow("aborted");
});

test.each([
  ["within a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun"],
  ["within chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n"],
])("an answer that its target breaks off %s is broken for the client too", async (_where, bytes) => {
  await using target = await startRawTarget(speaker(bytes, (socket) => void socket.end()));
  const { door } = await openDoor(service, { uri: target.url });
  const { request, answered } = ask(door);
  request.end();
  await expect((await answered).toArray()).rejects.toThrow("aborted");
});

test("a client that leaves ends the request to the target", async () => {
  const begun = promised<ServerResponse>();
  await using target = await startStreamingTarget((_request, response) => begun.resolve(response));
  const { door } = await openDoor(service, { uri: target.url });
  const { request } = ask(door);
  request.on("error", () => undefined).end();
  const closed = once(await begun.promise, "close");
  request.destroy();
  await closed;
});

test("a request whose target fails is sent once: the front tries nothing again", async () => {
  let connections = 0;
  await using target = await startRawTarget((socket) => {
    connections += 1;
    speaker("", () => void socket.destroy())(socket);
  });
  const { door } = await openDoor(service, { uri: target.url });
  const dispatcher = clientAt("127.0.0.6");
  const answer = await call(front, door, { dispatcher });
  expect(answer).toMatchObject({ status: 502, json: { code: "target_incomplete" } });
  expect(answer.headers["proxy-status"]).toBe("membrane; error=http_response_incomplete");
  expect(connections).toBe(1);
  await dispatcher.close();
});

test("what the service says of its answers arrives, and a target gives the front no orders", async () => {
  await using target = await startTarget((_request, response) => {
    response.writeHead(200, {
      "X-Accel-Redirect": "/plain",
      "X-Accel-Buffering": "yes",
      "X-Accel-Limit-Rate": "1",
      "X-Sendfile": "/etc/passwd",
    });
    response.end("the target's own");
  });
  const { door } = await openDoor(service, { uri: target.url });
  const dispatcher = clientAt("127.0.0.6");
  const answer = await call(front, door, { dispatcher });
  expect(answer).toMatchObject({ status: 200, text: "the target's own" });
  expect(answer.headers).toMatchObject({
    vary: "Authorization",
    "cache-control": "private",
    "content-security-policy": "sandbox",
  });
  expect(target.requests[0]?.headers).not.toHaveProperty("x-forwarded-for");
  const refused = await call(front, undefined, { dispatcher });
  expect(refused).toMatchObject({ status: 401, json: { code: "unauthorized" } });
  expect(refused.headers["www-authenticate"]).toBe("Bearer");
  await dispatcher.close();
});

test("no token is in the log of the front", async () => {
  const { door } = await openDoor(service, { uri: "http://127.0.0.1:9/" });
  const dispatcher = clientAt("127.0.0.6");
  expectStatus(await call(front, door, { dispatcher }), 502);
  expect(await front.errors()).not.toContain("CPBLTY1-");
  await dispatcher.close();
});
