import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../../../testkit/src/free-port.ts";
import type { RawConnection, RawResponse } from "../../../../testkit/src/raw-connection.ts";
import { messageHead, nextResponse, openRawConnection } from "../../../../testkit/src/raw-connection.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";
import { series } from "../../telemetry/metrics/reading.ts";
import type { MetricsServer } from "./metrics-server.ts";
import { startMetricsServer } from "./metrics-server.ts";

/** Longer than a request takes on a busy machine, in milliseconds. */
const TIMEOUT_MS = 2_000;

let port: number;
let server: MetricsServer;
/** How often the source was read. */
let reads = 0;
/** How often it was asked whether it is ready. */
let probes = 0;
let isReady = true;
let read: () => Promise<Reading>;
const errors: unknown[] = [];
const connections: RawConnection[] = [];

beforeEach(async () => {
  port = await freePort();
  reads = 0;
  probes = 0;
  isReady = true;
  read = async () => [series("membrane_ready", 1)];
  const source = {
    read() {
      reads += 1;
      return read();
    },
    async isReady() {
      probes += 1;
      return isReady;
    },
    onError: (error: unknown) => void errors.push(error),
  };
  server = await startMetricsServer({ host: "127.0.0.1", port }, source, TIMEOUT_MS);
});

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection[Symbol.asyncDispose]();
  await server.close();
  expect(errors.splice(0)).toEqual([]);
});

async function open(): Promise<RawConnection> {
  const connection = await openRawConnection(port);
  connections.push(connection);
  return connection;
}

function head(line: string, ...headers: readonly string[]): string {
  return messageHead(line, "Host: 127.0.0.1", ...headers);
}

async function ask(line: string, ...headers: readonly string[]): Promise<RawResponse> {
  const connection = await open();
  connection.send(head(line, ...headers));
  return nextResponse(connection);
}

test("GET of /metrics, /healthz and /readyz is all that is served", async () => {
  const metrics = await ask("GET /metrics HTTP/1.1");
  expect(metrics.status).toBe(200);
  expect(metrics.headers.get("content-type")).toEqual(["text/plain; version=0.0.4; charset=utf-8"]);
  expect(metrics.body).toContain("\nmembrane_ready 1\n");
  expect((await ask("GET /healthz HTTP/1.1")).status).toBe(200);
  expect((await ask("GET /readyz HTTP/1.1")).status).toBe(200);
  isReady = false;
  expect((await ask("GET /readyz HTTP/1.1")).status).toBe(503);
  expect((await ask("GET /healthz HTTP/1.1")).status).toBe(200);
});

test.each([
  ["GET / HTTP/1.1", 404],
  ["GET /metrics/ HTTP/1.1", 404],
  ["GET //metrics HTTP/1.1", 404],
  ["GET /METRICS HTTP/1.1", 404],
  ["POST /other HTTP/1.1", 404],
  ["HEAD /metrics HTTP/1.1", 405],
  ["POST /metrics HTTP/1.1", 405],
  ["OPTIONS /metrics HTTP/1.1", 405],
  ["DELETE /readyz HTTP/1.1", 405],
] as const)("%s is a %d, and nothing is read for it", async (line, status) => {
  const connection = await open();
  connection.send(head(line));
  const { status: received } = await nextResponse(connection, { method: line.split(" ")[0]! });
  expect(received).toBe(status);
  expect(reads).toBe(0);
});

test("no cache keeps a response, and no browser takes one for another type than it says", async () => {
  for (const path of ["/metrics", "/readyz", "/other"]) {
    const { headers } = await ask(`GET ${path} HTTP/1.1`);
    expect([path, headers.get("cache-control")]).toEqual([path, ["no-store"]]);
    expect([path, headers.get("x-content-type-options")]).toEqual([path, ["nosniff"]]);
  }
});

test.each([
  ["many requests at once", []],
  ["requests with an expectation that nothing meets", ["Expect: x"]],
])("a connection carries one request, even if a client sends %s", async (_what, headers) => {
  const connection = await open();
  connection.send(head("GET /readyz HTTP/1.1", ...headers).repeat(1_000));
  await connection.closed;
  expect(connection.received().split("HTTP/1.1 ").length - 1).toBeLessThanOrEqual(1);
  expect(probes).toBe(1);
});

test("scrapes at the same time are one reading", async () => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  read = async () => {
    await finished;
    return [];
  };
  const asked = Array.from({ length: 8 }, () => ask("GET /metrics HTTP/1.1"));
  await expect.poll(() => reads).toBe(1);
  await sleep(100);
  finish();
  for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
  expect(reads).toBe(1);
});

/** More than the kernel takes for a connection whose client reads nothing. */
const LARGE_BYTES = 16 * 1_024 * 1_024;
const LARGE: Reading = [series("membrane_build_info", 1, "x".repeat(LARGE_BYTES), "v20")];

test("connections over sixteen are closed at once, and a client that reads nothing at the deadline; then others are served", async () => {
  const opened = await Promise.all(Array.from({ length: 64 }, open));
  const ended = new Set<RawConnection>();
  for (const connection of opened) void connection.closed.then(() => ended.add(connection));
  await expect.poll(() => ended.size).toBe(64 - 16);
  const silent = opened.filter((connection) => !ended.has(connection));
  read = async () => LARGE;
  for (const connection of silent) {
    connection.socket.pause();
    connection.send(head("GET /metrics HTTP/1.1"));
  }
  await sleep(TIMEOUT_MS * 2);
  read = async () => [];
  expect((await ask("GET /metrics HTTP/1.1")).status).toBe(200);
  for (const connection of silent) {
    connection.socket.resume();
    await connection.closed;
    expect(connection.received().slice(0, 12)).toBe("HTTP/1.1 200");
    expect(connection.received().length).toBeLessThan(LARGE_BYTES);
  }
});

test("a head that never ends, or is larger than any scraper's, is cut off", async () => {
  const slow = await open();
  slow.send("GET /metrics HTTP/1.1\r\n");
  const large = await open();
  large.send(`GET /metrics HTTP/1.1\r\nX: ${"x".repeat(16_384)}\r\n\r\n`);
  await Promise.all([slow.closed, large.closed]);
  expect(reads).toBe(0);
});

test("a reading that fails is a 503, is reported, and the next one is tried again", async () => {
  read = () => Promise.reject(new Error("no reading"));
  expect((await ask("GET /metrics HTTP/1.1")).status).toBe(503);
  expect(errors.splice(0)).toHaveLength(1);
  read = async () => [];
  expect((await ask("GET /metrics HTTP/1.1")).status).toBe(200);
});
