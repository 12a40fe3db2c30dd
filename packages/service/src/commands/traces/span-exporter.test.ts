import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../../../testkit/src/free-port.ts";
import type { TestCollector } from "../../../../testkit/src/otlp-collector.ts";
import { FAST, startCollector } from "../../../../testkit/src/otlp-collector.ts";
import { makeCertificate } from "../../../../testkit/src/tls-target.ts";
import { until } from "../../../../testkit/src/until.ts";
import type { Span } from "../../tracing/span.ts";
import type { CollectorOptions } from "./collector.ts";
import { createCollector } from "./collector.ts";
import type { ExportTimes, SpanExporter } from "./span-exporter.ts";
import { createSpanExporter } from "./span-exporter.ts";

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
    timeoutMs: 300,
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

/** Servers that take no span, by the cause that the log has. */
const BROKEN: readonly (readonly [string, string, () => Promise<string>])[] = [
  ["that is not there", "ECONNREFUSED", async () => `http://127.0.0.1:${await freePort()}`],
  ["that never responds", "ETIMEDOUT", () => rawServer((socket) => socket.resume())],
  ["that reads nothing", "ETIMEDOUT", () => rawServer((socket) => socket.pause())],
  [
    "that never ends its response",
    "ETIMEDOUT",
    () =>
      rawServer((socket) =>
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")),
      ),
  ],
  ["that closes without a response", "ECONNRESET", () => saying("")],
  [
    "that is cut within its response",
    "ECONNRESET",
    () => saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
  ],
  ["that does not speak HTTP", "HPE_INVALID_CONSTANT", () => saying("garbage\r\n\r\n")],
  [
    "whose head is too large",
    "HPE_HEADER_OVERFLOW",
    () => saying(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n\r\n`),
  ],
  [
    "that switches protocols",
    "CLOSED",
    () => saying("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
  ],
  ["that is busy", "STATUS_503", () => saying("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")],
  ["that refuses the credential", "STATUS_401", () => saying("HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")],
  [
    "that redirects",
    "STATUS_307",
    () => saying(`HTTP/1.1 307 X\r\nLocation: ${collector.url}/v1/traces\r\nContent-Length: 0\r\n\r\n`),
  ],
  [
    "that responds with a page",
    "INVALID_RESPONSE",
    () => saying("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
  ],
  [
    "that responds without end",
    "INVALID_RESPONSE",
    () => saying(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(100_000)}`),
  ],
];

test.each(BROKEN)(
  "a collector %s takes nothing: the log says so once, spans are dropped and counted, and memory is bounded",
  async (_which, cause, serve) => {
    const queueBytes = 20_000;
    const exporter = start(await serve(), { queueBytes, timeoutMs: 100, times: { maxBackOffMs: 20 } });
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

test("over TLS the certificate of the collector is checked, whatever the environment says", async () => {
  const { cert, key, ca } = await makeCertificate("127.0.0.1");
  await using secure = await startCollector({ tls: { cert, key } });
  const saved = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    const doubting = start(secure.url);
    doubting.record(spans(1));
    await until("it has failed", () => logged.length === 1);
    expect(logged[0]![1]).toEqual({ cause: expect.stringMatching(/CERT|SIGNATURE|ISSUER/) });
    await doubting.close();
  } finally {
    if (saved === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = saved;
  }
  expect(secure.heads).toEqual([]);
  const trusting = start(secure.url, { ca });
  trusting.record(spans(1));
  await until("it has arrived", () => secure.spans().length === 1);
});
