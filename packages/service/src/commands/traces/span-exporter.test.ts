import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../../../testkit/src/free-port.ts";
import type { TestCollector } from "../../../../testkit/src/otlp-collector.ts";
import { FAST, startCollector } from "../../../../testkit/src/otlp-collector.ts";
import { until } from "../../../../testkit/src/until.ts";
import { BROKEN_COLLECTORS } from "../../../../testkit/src/broken-collectors.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import type { Span } from "../../tracing/span.ts";
import type { CollectorOptions } from "./collector.ts";
import { createCollector } from "./collector.ts";
import type { ExportTimes, SpanExporter } from "./span-exporter.ts";
import { backOffMs, createSpanExporter } from "./span-exporter.ts";

/* Tests the exporter against a collector that works, and against servers that do not. */

const RESOURCE = { name: "membrane", version: "1.2.3", instance: "i" };

let collector: TestCollector;
let logged: (readonly [string, object])[] = [];
const exporters: SpanExporter[] = [];
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeEach(async () => {
  collector = await startCollector();
  logged = [];
});

afterEach(async () => {
  await Promise.all(exporters.splice(0).map((exporter) => exporter.close()));
  await collector[Symbol.asyncDispose]();
  sockets.forEach((socket) => socket.destroy());
  await Promise.all(servers.splice(0).map((server) => once(server.close(), "close")));
});

interface Options extends Partial<CollectorOptions> {
  readonly times?: Partial<ExportTimes>;
  readonly queueBytes?: number;
}

function start(url: string, { times, queueBytes = 4_194_304, ...sending }: Options = {}): SpanExporter {
  const send = createCollector({
    url: new URL(`${url}/v1/traces`),
    headers: {},
    timeoutMs: DEFAULT_LIMITS.spanExportTimeoutMs,
    version: "1.2.3",
    ...sending,
  });
  const exporter = createSpanExporter({
    resource: RESOURCE,
    send,
    queueBytes,
    log: {
      spansNotExported: (event) => logged.push(["not exported", event]),
      spansExportedAgain: (event) => logged.push(["exported again", event]),
    },
    times: { ...FAST, ...times },
  });
  exporters.push(exporter);
  return exporter;
}

let made = 0;

function span(name = "invoke"): Span {
  made += 1;
  return {
    traceId: "a".repeat(32),
    spanId: String(made).padStart(16, "0"),
    flags: 1,
    hasRemoteParent: false,
    name,
    kind: "server",
    startMs: Date.now(),
    endMs: Date.now(),
    attributes: {},
    isError: false,
  };
}

function spans(count: number): Span[] {
  return Array.from({ length: count }, () => span());
}

/** Starts a server that handles bare connections. */
async function rawServer(handle: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    handle(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a server that responds with these bytes. */
function saying(bytes: string): Promise<string> {
  return rawServer((socket) => socket.once("data", () => socket.end(bytes)));
}

test("spans arrive, many in a request, with the headers of the operator", async () => {
  const exporter = start(collector.url, { headers: { authorization: "Bearer of-the-collector" } });
  for (let at = 0; at < 100; at += 1) exporter.record(spans(3));
  await until("they have arrived", () => exporter.counts.exported === 300);
  expect(collector.spans()).toHaveLength(300);
  expect(collector.heads).toHaveLength(1);
  expect(collector.heads[0]).toMatchObject({
    authorization: "Bearer of-the-collector",
    "content-type": "application/json",
    "user-agent": "membrane-service/1.2.3",
    connection: "close",
  });
  expect(exporter.queuedBytes).toBe(0);
  expect(logged).toEqual([]);
});

test("a request has not more than half a megabyte, and the next follows at once", async () => {
  const exporter = start(collector.url, { times: { delayMs: 600_000 } });
  const many = spans(4_000);
  // The first batch waits for its time, as it may be small.
  for (const each of many) exporter.record([each]);
  await exporter.close();
  expect(exporter.counts.exported).toBe(4_000);
  expect(collector.heads.length).toBeGreaterThan(1);
  for (const { "content-length": length } of collector.heads) expect(Number(length)).toBeLessThan(600_000);
  expect(collector.spans().map(({ spanId }) => spanId)).toEqual(many.map(({ spanId }) => spanId));
});

test.each(BROKEN_COLLECTORS)(
  "a collector %s takes nothing: the log says so once, spans are dropped and counted, and memory is bounded",
  async (_which, cause, handle) => {
    const queueBytes = 20_000;
    const url =
      handle === undefined
        ? `http://127.0.0.1:${await freePort()}`
        : await rawServer((socket) => handle(socket, collector.url));
    // Only where it is what ends a request: a busy machine may be slower.
    const timeouts = cause === "ETIMEDOUT" ? { timeoutMs: 100 } : {};
    const exporter = start(url, { queueBytes, ...timeouts, times: { maxBackOffMs: 20 } });
    let recorded = 0;
    const deadline = Date.now() + 30_000;
    const lost = () => exporter.dropped + exporter.counts.refused + exporter.counts.unavailable;
    // Until each way to lose a span was gone that there is: no room, and a batch that is given up.
    while ((exporter.dropped === 0 || lost() === exporter.dropped) && Date.now() < deadline) {
      exporter.record(spans(30));
      recorded += 30;
      expect(exporter.queuedBytes).toBeLessThanOrEqual(queueBytes);
      await sleep(2);
    }
    expect(logged).toEqual([["not exported", { cause }]]);
    expect(exporter.counts.exported).toBe(0);
    // What would be refused again is not sent again.
    const isRefused = /^STATUS_[34]|^INVALID/.test(cause);
    expect(exporter.counts.refused > 0).toBe(isRefused);
    expect(exporter.counts.unavailable > 0).toBe(!isRefused);
    await exporter.close();
    expect(lost() + exporter.counts.stopped).toBe(recorded);
    expect(exporter.queuedBytes).toBe(0);
    expect(collector.spans()).toEqual([]);
  },
);

test("when the collector is back, the spans that wait arrive, and the log says how many were lost", async () => {
  const port = await freePort();
  const exporter = start(`http://127.0.0.1:${port}`, { queueBytes: 2_000, times: { maxBackOffMs: 30 } });
  exporter.record(spans(10));
  await until("it has failed", () => logged.length === 1);
  const { dropped } = exporter;
  expect(dropped).toBeGreaterThan(0);
  await using back = await startCollector({ port });
  await until("it is back", () => logged.length === 2);
  expect(back.spans().length + dropped + exporter.counts.unavailable).toBe(10);
  expect(logged).toEqual([
    ["not exported", { cause: "ECONNREFUSED" }],
    ["exported again", { lost: exporter.counts.unavailable }],
  ]);
  exporter.record([span("afterwards")]);
  await until("more arrives", () => back.spans().some(({ name }) => name === "afterwards"));
  expect(logged).toHaveLength(2);
});

test("a failing collector is asked less and less often, and no batch waits for it for ever", async () => {
  let asked = 0;
  const url = await rawServer((socket) => {
    asked += 1;
    socket.once("data", () => socket.end("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"));
  });
  const exporter = start(url, { times: { minBackOffMs: 40, maxBackOffMs: 600_000 } });
  exporter.record(spans(1));
  // After 20, 40, 80 and 160 milliseconds at the earliest: a busy machine makes it fewer.
  await sleep(500);
  expect(asked).toBeLessThanOrEqual(4);
  await until("the batch is given up", () => exporter.counts.unavailable === 1);
  expect(asked).toBe(4);
});

test("a back-off doubles from its least to its most", () => {
  const times = { minBackOffMs: 1_000, maxBackOffMs: 60_000 };
  const all = [1, 2, 3, 6, 7, 8, 2_000].map((failures) => backOffMs(failures, times));
  expect(all).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
});

test("the log says at each outage how many spans were lost in it, those that were refused too", async () => {
  const exporter = start(collector.url);
  for (const count of [3, 2]) {
    collector.respondWith((_request, response) => void response.writeHead(401).end());
    const { refused, exported } = exporter.counts;
    exporter.record(spans(count));
    await until("they are refused", () => exporter.counts.refused === refused + count);
    collector.respondWith(undefined);
    exporter.record(spans(1));
    await until("one is taken", () => exporter.counts.exported === exported + 1);
  }
  expect(logged).toEqual([
    ["not exported", { cause: "STATUS_401" }],
    ["exported again", { lost: 3 }],
    ["not exported", { cause: "STATUS_401" }],
    ["exported again", { lost: 2 }],
  ]);
});

test("as much as a batch does not wait for its time", async () => {
  const exporter = start(collector.url, { times: { delayMs: 600_000 } });
  exporter.record(spans(4_000));
  await until("a batch has arrived", () => exporter.counts.exported > 0);
});

test("a stop while a batch waits for its time sends it once", async () => {
  let asked = 0;
  const url = await rawServer((socket) => {
    asked += 1;
    socket.once("data", () =>
      setTimeout(() => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 100),
    );
  });
  const exporter = start(url, { timeoutMs: 10_000, times: { delayMs: 20 } });
  exporter.record(spans(1));
  await exporter.close();
  expect(asked).toBe(1);
  expect(exporter.counts.exported).toBe(1);
});

test("what the collector says that it has rejected is counted as refused", async () => {
  for (const [said, rejected] of [
    ['{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}', 2],
    ['{"partialSuccess":{"rejectedSpans":1}}', 1],
    ['{"partialSuccess":{"rejectedSpans":"99"}}', 3],
    ['{"partialSuccess":{"rejectedSpans":"-1"}}', 0],
    ['{"partialSuccess":null}', 0],
    ["{}", 0],
    ["", 0],
  ] as const) {
    const exporter = start(await saying(`HTTP/1.1 200 OK\r\nContent-Length: ${said.length}\r\n\r\n${said}`));
    exporter.record(spans(3));
    await until("it has responded", () => exporter.counts.exported + exporter.counts.refused === 3);
    expect([said, exporter.counts.refused]).toEqual([said, rejected]);
  }
  expect(logged).toEqual([]);
});

test("a stop sends what waits, and waits for a collector no longer than its time", async () => {
  const exporter = start(collector.url, { times: { delayMs: 600_000 } });
  exporter.record(spans(5));
  await exporter.close();
  expect(collector.spans()).toHaveLength(5);
  expect(logged).toEqual([]);
  exporter.record(spans(2));
  expect(exporter.counts.stopped).toBe(2);

  const silent = await rawServer((socket) => socket.resume());
  const stuck = start(silent, { timeoutMs: 600_000, times: { delayMs: 1, closeMs: 100 } });
  stuck.record(spans(5));
  await until("a batch is being sent", () => sockets.size > 0);
  stuck.record(spans(1));
  await stuck.close();
  expect(stuck.counts.stopped).toBe(6);
  expect(logged).toContainEqual(["not exported", { cause: "STOPPED", lost: 6 }]);
});
