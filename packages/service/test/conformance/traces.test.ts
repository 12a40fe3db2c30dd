import { parseAuthority } from "capability-protocol";
import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AWS_KEY, isCorrectlySigned } from "../../../testkit/src/aws4-reference.ts";
import type { CallOptions, CallResponse } from "../../../testkit/src/client.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { exportTarget } from "../../../testkit/src/exported-capability.ts";
import type { ReceivedSpan, TestCollector, TestTracesOptions } from "../../../testkit/src/otlp-collector.ts";
import { startCollector, tracesTo } from "../../../testkit/src/otlp-collector.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startStreamingTarget, startTarget } from "../../../testkit/src/target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { until } from "../../../testkit/src/until.ts";
import { closeCode, openWebSocket, startWebSocketTarget } from "../../../testkit/src/websocket.ts";

/* Tests what a service that records traces sends to its targets and to its collector. */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const SAMPLED = `00-${TRACE}-${SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`;
const STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
const FINGERPRINT = /^[0-9a-f]{12}$/;

/** By the numbers of the protocol. */
const [INTERNAL, SERVER, CLIENT] = [1, 2, 3];

let collector: TestCollector;
let target: TestTarget;
let service: TestService;
const services: TestService[] = [];

async function start(options: TestServiceOptions = {}, traced: TestTracesOptions = {}): Promise<TestService> {
  const started = await startTestService({ ...options, traces: await tracesTo(collector, traced) });
  services.push(started);
  return started;
}

beforeEach(async () => {
  collector = await startCollector();
  target = await startTarget((request, response) => {
    response.statusCode = Number(/\d+/.exec(request.url ?? "")?.[0] ?? 200);
    response.end("0123456789");
  });
  service = await start();
});

afterEach(async () => {
  for (const started of services.splice(0)) await started.close();
  await target[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
});

/** Closes all services, which export what waits, and returns the spans by their kinds. */
async function spansAtEnd(): Promise<{
  server: ReceivedSpan[];
  client: ReceivedSpan[];
  internal: ReceivedSpan[];
}> {
  for (const started of services) await started.close();
  const of = (kind: number) => collector.spans().filter((span) => span.kind === kind);
  return { server: of(SERVER), client: of(CLIENT), internal: of(INTERNAL) };
}

/** The spans of one trace. */
function inTrace(spans: readonly ReceivedSpan[], traceId: string): ReceivedSpan[] {
  return spans.filter((span) => span.traceId === traceId);
}

function sent(traceparent: string, tracestate?: string): CallOptions {
  return { headers: { traceparent, ...(tracestate === undefined ? {} : { tracestate }) } };
}

function lastHeaders(): TestTarget["requests"][number]["headers"] {
  return target.requests.at(-1)!.headers;
}

test("an invocation is a span below the client's, and the request to the target is one below that, which the target gets", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  const before = BigInt(Date.now() - 1_000) * 1_000_000n;
  expectStatus(await call(service, token, sent(SAMPLED, STATE)), 200);
  const { traceparent, tracestate } = lastHeaders();
  const { server, client } = await spansAtEnd();
  const [invoked, ...others] = inTrace(server, TRACE);
  const [asked, ...more] = inTrace(client, TRACE);
  expect([others, more]).toEqual([[], []]);
  expect(invoked).toMatchObject({ name: "invoke", parentSpanId: SPAN, flags: 0x301, isError: false });
  expect(asked).toMatchObject({ name: "GET", parentSpanId: invoked!.spanId, flags: 0x101, isError: false });
  expect(traceparent).toBe(`00-${TRACE}-${asked!.spanId}-01`);
  expect(tracestate).toBe(STATE);
  expect(invoked!.attributes).toEqual({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "url.scheme": "http",
    "network.protocol.version": "1.1",
    "membrane.capability": expect.stringMatching(FINGERPRINT),
    "membrane.membrane": expect.stringMatching(FINGERPRINT),
    "membrane.tenant": expect.stringMatching(FINGERPRINT),
  });
  expect(asked!.attributes).toEqual({ "http.request.method": "GET", "http.response.status_code": 200 });
  expect(invoked!.resource).toEqual({
    "service.name": "membrane",
    "service.version": "1.2.3",
    "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  const after = BigInt(Date.now() + 1_000) * 1_000_000n;
  const times = [before, invoked!.start, asked!.start, asked!.end, invoked!.end, after];
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)));
});

test("the log has the fingerprints of the spans, and the id of a trace that begins with the request", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  expectStatus(await call(service, token), 200);
  const [, traceId] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-01$/.exec(String(lastHeaders()["traceparent"]))!;
  const line = service
    .logged()
    .split("\n")
    .find((text) => text.includes('"invoked"'));
  const logged: Readonly<Record<string, unknown>> = JSON.parse(line!);
  const { server } = await spansAtEnd();
  const [invoked] = inTrace(server, traceId!);
  expect(invoked).toMatchObject({ name: "invoke", parentSpanId: undefined, flags: 0x101 });
  const { traceId: id, capability, membrane, tenant } = logged;
  expect(id).toBe(traceId);
  expect(invoked!.attributes).toMatchObject({
    "membrane.capability": capability,
    "membrane.membrane": membrane,
    "membrane.tenant": tenant,
  });
});

test("through two services the spans are one chain, from the client to the target", async () => {
  const lookup: TestServiceOptions["lookup"] = (_name, _options, callback) =>
    callback(null, [{ address: "127.0.0.1", family: 4 }]);
  const tls = await makeCertificate("far.test", "127.0.0.1");
  const dispatcher = new Agent({ connect: { ca: tls.ca } });
  const far = await start({ authority: "far.test", tls });
  const authority = parseAuthority(`far.test:${far.port}`)!;
  const near = await start({ authorityCas: new Map([[authority, tls.ca]]), lookup });
  const created = await call(far, far.tokens.create, { dispatcher, body: { id: "m" } });
  const exporting = tokenOf(expectStatus(created, 201).json.capabilities.export);
  const exported = await call(far, exporting, { dispatcher, body: { uri: target.url } });
  await dispatcher.close();
  const farToken = tokenOf(expectStatus(exported, 201).json.capability);
  const { token } = await exportTarget(near, { capability: uriOf({ authority }, farToken) });
  expectStatus(await call(near, token, sent(SAMPLED, STATE)), 200);
  const { traceparent, tracestate } = lastHeaders();
  const { server, client } = await spansAtEnd();
  const servers = inTrace(server, TRACE);
  const clients = inTrace(client, TRACE);
  const chain = [SPAN];
  for (;;) {
    const next = [...servers, ...clients].find(({ parentSpanId }) => parentSpanId === chain.at(-1));
    if (next === undefined) break;
    chain.push(next.spanId);
  }
  const kinds = chain
    .slice(1)
    .map((id) => [...servers, ...clients].find(({ spanId }) => spanId === id)!.kind);
  expect(kinds).toEqual([SERVER, CLIENT, SERVER, CLIENT]);
  expect(servers.length + clients.length).toBe(4);
  expect(traceparent).toBe(`00-${TRACE}-${chain.at(-1)}-01`);
  expect(tracestate).toBe(STATE);
  const instances = new Set(servers.map(({ resource }) => resource["service.instance.id"]));
  expect(instances.size).toBe(2);
});

test("a request that is not recorded passes its trace on unchanged: the client has not recorded it, or the share leaves it out", async () => {
  const none = await start({}, { share: 0 });
  for (const [on, value] of [
    [service, UNSAMPLED],
    [none, SAMPLED],
    [none, "not valid"],
    [none, undefined],
  ] as const) {
    const { token } = await exportTarget(on, { uri: target.url });
    expectStatus(await call(on, token, value === undefined ? {} : sent(value, STATE)), 200);
    expect(lastHeaders()["traceparent"]).toBe(value);
    expect(lastHeaders()["tracestate"]).toBe(value === undefined ? undefined : STATE);
  }
  const { server } = await spansAtEnd();
  expect(server.filter(({ name }) => name === "invoke")).toEqual([]);
});

test("the share is chosen by the id of the trace, so that all services choose the same ones", async () => {
  const tenth = await start({}, { share: 0.1 });
  const { token } = await exportTarget(tenth, { uri: target.url });
  // The left part of an id need not be random.
  const low = `${"f".repeat(20)}000000000001`;
  const high = `${"0".repeat(19)}1f00000000000`;
  for (const traceId of [low, high])
    expectStatus(await call(tenth, token, sent(`00-${traceId}-${SPAN}-01`)), 200);
  const { server } = await spansAtEnd();
  expect(inTrace(server, low)).toHaveLength(1);
  expect(inTrace(server, high)).toEqual([]);
});

test("a trace whose traceparent is not valid begins anew, without the client's tracestate", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  for (const value of [`${SAMPLED}-00`, `00-${"0".repeat(32)}-${SPAN}-01`, "x"]) {
    expectStatus(await call(service, token, sent(value, STATE)), 200);
    const lines = target.requests.at(-1)!.rawHeaders.filter((name) => name.toLowerCase() === "traceparent");
    expect(lines).toHaveLength(1);
    expect(lastHeaders()["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(lastHeaders()["traceparent"]).not.toContain(TRACE);
    expect(lastHeaders()).not.toHaveProperty("tracestate");
  }
});

test("a tracestate that is not valid is dropped, and the trace goes on; of a later version only the sampled flag is taken", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  expectStatus(await call(service, token, sent(`cc-${TRACE}-${SPAN}-ff-more`, "a=1,a=2")), 200);
  expect(lastHeaders()["traceparent"]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  expect(lastHeaders()).not.toHaveProperty("tracestate");
  expectStatus(await call(service, token, sent(`00-${TRACE}-${SPAN}-03`)), 200);
  expect(lastHeaders()["traceparent"]).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-03$`));
});

test("a traceparent that the target configures stays, and limits that leave out the client's leave out that of the service", async () => {
  const own = await exportTarget(service, { uri: target.url, headers: { Traceparent: "own" } });
  const narrow = await exportTarget(service, { uri: target.url, limits: { headers: { "x-a": true } } });
  for (const options of [sent(SAMPLED), {}]) {
    expectStatus(await call(service, own.token, options), 200);
    expect(lastHeaders()["traceparent"]).toBe("own");
  }
  expectStatus(await call(service, narrow.token, sent(SAMPLED)), 200);
  expect(lastHeaders()).not.toHaveProperty("traceparent");
  // Nothing of a client is in what begins here.
  expectStatus(await call(service, narrow.token), 200);
  expect(lastHeaders()).toHaveProperty("traceparent");
});

test("a signed request is signed with the traceparent that is sent", async () => {
  const aws4 = { ...AWS_KEY, region: "us-east-1", service: "lambda" };
  const key = { key: Buffer.alloc(64).toString("base64url"), keyId: "k" };
  for (const [hmac, isSigned] of [
    [{ "aws4-hmac-sha256": aws4 }, false],
    [{ "cap1-hmac-sha512": key }, true],
  ] as const) {
    const { token } = await exportTarget(service, { uri: target.url, hmac });
    for (const options of [sent(SAMPLED), {}]) {
      expectStatus(await call(service, token, options), 200);
      const { traceparent, authorization } = lastHeaders();
      expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(traceparent).not.toBe(SAMPLED);
      expect(authorization!.includes("traceparent")).toBe(isSigned);
      if (!isSigned) expect(isCorrectlySigned(target.requests.at(-1)!, "lambda")).toBe(true);
    }
  }
});

test("a head that has no room for a traceparent passes without one", async () => {
  const small = await start({ limits: { headerBytes: 2_048 } });
  const { token } = await exportTarget(small, { uri: target.url, headers: { "x-own": "x".repeat(1_000) } });
  let hadRoom = true;
  for (let length = 0; hadRoom; length += 32) {
    const response = await call(small, token, { headers: { "x-fill": "x".repeat(length) } });
    expectStatus(response, 200);
    hadRoom = "traceparent" in lastHeaders();
  }
  expect(hadRoom).toBe(false);
});

test("how a request ends is in its spans: statuses, codes of errors, and whose fault it is", async () => {
  const open = await exportTarget(service, { uri: target.url, allowPath: true });
  const dead = await exportTarget(service, { uri: "http://127.0.0.1:1/" });
  const narrow = await exportTarget(service, { uri: target.url, limits: { methods: ["GET"] } });
  type Side = readonly [number | undefined, string | undefined, boolean];
  const rows: readonly (readonly [string, CallOptions, Side, Side | undefined])[] = [
    [open.token, { path: "/200" }, [200, undefined, false], [200, undefined, false]],
    [open.token, { path: "/404" }, [404, undefined, false], [404, "404", true]],
    [open.token, { path: "/503" }, [503, "503", true], [503, "503", true]],
    [open.token, { path: "/a%2fb" }, [400, "invalid_path", false], undefined],
    [narrow.token, { method: "PUT" }, [405, "method_not_allowed", false], undefined],
    [dead.token, {}, [502, "target_unreachable", true], [undefined, "target_unreachable", true]],
  ];
  const ids = rows.map((_row, at) => String(at + 1).padStart(32, "a"));
  for (const [at, [token, options]] of rows.entries())
    await call(service, token, { ...options, ...sent(`00-${ids[at]}-${SPAN}-01`) });
  const { server, client } = await spansAtEnd();
  const sideOf = ([span]: readonly ReceivedSpan[]): Side | undefined =>
    span && [
      span.attributes["http.response.status_code"] as number | undefined,
      span.attributes["error.type"] as string | undefined,
      span.isError,
    ];
  for (const [at, [, , invoked, asked]] of rows.entries()) {
    expect([at, sideOf(inTrace(server, ids[at]!))]).toEqual([at, invoked]);
    expect([at, sideOf(inTrace(client, ids[at]!))]).toEqual([at, asked]);
  }
});

test("a client that leaves, and a response that is aborted, end their spans", async () => {
  await using streaming = await startStreamingTarget((request, response) => {
    response.write("begun");
    if (request.headers["x-break"] !== undefined) setTimeout(() => response.destroy(), 50);
  });
  const { token } = await exportTarget(service, { uri: streaming.url });
  const [left, broken] = ["b".repeat(32), "c".repeat(32)];
  await using connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: [`traceparent: 00-${left}-${SPAN}-01`] }));
  await connection.until((received) => received.includes("begun"));
  connection.socket.destroy();
  const headers = { "x-break": "1", traceparent: `00-${broken}-${SPAN}-01` };
  await expect(call(service, token, { headers })).rejects.toThrow();
  await until(
    "both have ended",
    () => collector.spans().filter(({ name }) => name === "invoke").length === 2,
  );
  const { server } = await spansAtEnd();
  const [gone] = inTrace(server, left);
  expect(gone!.attributes["error.type"]).toBe("client_disconnected");
  expect(gone!.attributes).not.toHaveProperty("http.response.status_code");
  expect(gone!.isError).toBe(false);
  const [aborted] = inTrace(server, broken);
  expect(aborted).toMatchObject({ isError: true, attributes: { "error.type": "other" } });
});

test("an operation of the service is a span with the name of its kind, and its write one below it", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "m");
  await exportThrough(service, membrane.export, { uri: target.url });
  expectStatus(await call(service, service.tokens.query, { path: "/?id=m" }), 200);
  expectStatus(await call(service, service.tokens.create, { body: { id: "m" } }), 409);
  expectStatus(await call(service, membrane.revoke, { method: "DELETE" }), 202);
  const { server, internal, client } = await spansAtEnd();
  expect(client).toEqual([]);
  const told = server.map((span) => {
    const { "http.request.method": method, "http.response.status_code": status } = span.attributes;
    const { "http.route": route, "error.type": error } = span.attributes;
    const inner = internal.filter(({ parentSpanId }) => parentSpanId === span.spanId);
    expect(inner.every(({ traceId }) => traceId === span.traceId)).toBe(true);
    return [span.name, method, route, status, error, inner.map(({ name }) => name).toSorted()];
  });
  const write = ["store write"];
  const readAndWrite = ["store read", "store write"];
  expect(told).toEqual([
    ["create", "POST", "/", 201, undefined, readAndWrite],
    ["export", "POST", "/", 201, undefined, readAndWrite],
    ["query", "GET", "/", 200, undefined, ["store read"]],
    ["create", "POST", "/", 409, "membrane_exists", write],
    ["revoke", "DELETE", "/", 202, undefined, readAndWrite],
  ]);
});

test("the first use of a capability has a span for the store, and further ones have none", async () => {
  const { token } = await exportTarget(service, { uri: target.url });
  const ids = ["d".repeat(32), "e".repeat(32)];
  for (const id of ids) expectStatus(await call(service, token, sent(`00-${id}-${SPAN}-01`)), 200);
  const { internal } = await spansAtEnd();
  expect(ids.map((id) => inTrace(internal, id).map(({ name }) => name))).toEqual([["store read"], []]);
});

test("a request without a capability makes no span, nor do probes, and a revoked capability none either", async () => {
  const { token, revoke } = await exportTarget(service, { uri: target.url });
  expectStatus(await call(service, revoke), 202);
  const refused: Promise<CallResponse>[] = [
    call(service, undefined, sent(SAMPLED)),
    call(service, token, sent(SAMPLED)),
    call(service, `CPBLTY1-${"A".repeat(86)}`, sent(SAMPLED)),
    call(service, undefined, { ...sent(SAMPLED), path: "/healthz" }),
    call(service, undefined, { ...sent(SAMPLED), method: "OPTIONS" }),
  ];
  expect((await Promise.all(refused)).map(({ status }) => status)).toEqual([401, 401, 401, 200, 204]);
  const { server } = await spansAtEnd();
  expect(inTrace(server, TRACE)).toEqual([]);
});

test("however often a client says that it records its traces, no more are recorded than the limit, and of them a share", async () => {
  const limited = await start({}, { limits: { maxTracedRequestsPerSecond: 9 } });
  const { token } = await exportTarget(limited, { uri: target.url });
  const from = performance.now();
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1)
    expectStatus(await call(limited, token, sent(SAMPLED, STATE)), 200);
  // What was not recorded passed with the client's own context.
  const passed = target.requests.filter(({ headers }) => headers["traceparent"] === SAMPLED).length;
  const windows = Math.ceil((performance.now() - from) / 1_000) + 1;
  const { server } = await spansAtEnd();
  const recorded = inTrace(server, TRACE).length;
  expect(recorded + passed).toBe(rounds);
  // A third of nine.
  expect(recorded).toBeGreaterThan(0);
  expect(recorded).toBeLessThanOrEqual(3 * windows);
});

test("a WebSocket is one span, which ends with it", async () => {
  await using sockets = await startWebSocketTarget();
  const { token } = await exportTarget(service, { uri: sockets.url.replace(/^ws/, "http") });
  const socket = await openWebSocket(service, token, { headers: { traceparent: SAMPLED } });
  const closed = closeCode(socket);
  socket.close();
  await closed;
  await until("its span has come", () => inTrace(collector.spans(), TRACE).length >= 3);
  const { server, client } = await spansAtEnd();
  expect(inTrace(server, TRACE)[0]).toMatchObject({ attributes: { "http.response.status_code": 101 } });
  expect(inTrace(client, TRACE)[0]).toMatchObject({ attributes: { "http.response.status_code": 101 } });
});
