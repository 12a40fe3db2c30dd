import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import type { MetricsAddress, Scrape } from "../../../testkit/src/metrics.ts";
import { metricsAddress } from "../../../testkit/src/metrics.ts";
import { runToItsEnd, spawnMembrane, spawnService } from "../../../testkit/src/process.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import {
  closeCode,
  nextMessage,
  openWebSocket,
  startWebSocketTarget,
} from "../../../testkit/src/websocket.ts";
import type { HeldResponses } from "../support/held-responses.ts";
import { startHeldResponses } from "../support/held-responses.ts";

/** Invocations of one capability in flight. */
const MAX_IN_FLIGHT = 2;

let metrics: MetricsAddress;
let held: HeldResponses;
let { service, create, target, begun, exportTarget } = {} as HeldResponses;

beforeAll(async () => {
  metrics = await metricsAddress();
  const flags = [...metrics.flags, "--max-concurrent-invocations-per-capability", String(MAX_IN_FLIGHT)];
  held = await startHeldResponses(flags);
  ({ service, create, target, begun, exportTarget } = held);
});

afterAll(() => held[Symbol.asyncDispose]());

/** Makes what changes by how much between two scrapes: name, labels, change. */
function changes(before: Scrape, after: Scrape) {
  return (name: string, labels?: string): number =>
    (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
}

test("invocations are counted by how they end and why, with the bytes and the class of the response", async () => {
  const { token } = await exportTarget();
  const closed = await exportTarget({ uri: `http://127.0.0.1:${await freePort()}/` });
  const before = await metrics.scrape();
  for (let i = 0; i < 3; i += 1) expectStatus(await call(service, token), 200);
  expectStatus(await call(service, token, { headers: { "x-status": "404" } }), 404);
  expectStatus(await call(service, token, { headers: { "x-status": "500" } }), 500);
  expectStatus(await call(service, token, { method: "POST", body: "four" }), 200);
  expectStatus(await call(service, token, { path: "/other" }), 404);
  expectStatus(await call(service, closed.token), 502);
  expectStatus(await call(service, undefined), 401);
  expectStatus(await call(service, "CPBLTY1-none"), 401);
  const change = changes(before, await metrics.scrape());
  const invocations = (outcome: string, reason = ""): number =>
    change("membrane_invocations_total", `outcome="${outcome}",reason="${reason}"`);
  expect(invocations("completed")).toBe(6);
  expect(invocations("refused", "path_not_found")).toBe(1);
  expect(invocations("failed", "target_unreachable")).toBe(1);
  expect(invocations("failed", "internal_error")).toBe(0);
  expect(change("membrane_target_responses_total", 'class="2xx"')).toBe(4);
  expect(change("membrane_target_responses_total", 'class="4xx"')).toBe(1);
  expect(change("membrane_target_responses_total", 'class="5xx"')).toBe(1);
  expect(change("membrane_forwarded_bytes_total", 'direction="to_target"')).toBe(4);
  expect(change("membrane_forwarded_bytes_total", 'direction="to_client"')).toBe(60);
  expect(change("membrane_unidentified_requests_total", 'reason="unauthorized"')).toBe(2);
  expect(change("membrane_target_connects_total", 'outcome="failed"')).toBe(1);
  expect(change("membrane_gateway_duration_seconds_count")).toBe(6);
  expect(change("membrane_target_duration_seconds_count")).toBe(6);
});

test("management is counted by operation, apart from invocations, and its bodies are not of targets", async () => {
  const before = await metrics.scrape();
  const { token, revoke } = await exportTarget();
  expectStatus(await call(service, create, { body: { id: "" } }), 400);
  expectStatus(await call(service, revoke), 202);
  expectStatus(await call(service, token), 401);
  const after = await metrics.scrape();
  const change = changes(before, after);
  const managed = (operation: string, outcome = "done", reason = ""): number =>
    change(
      "membrane_management_requests_total",
      `operation="${operation}",outcome="${outcome}",reason="${reason}"`,
    );
  expect(managed("create")).toBe(1);
  expect(managed("create", "refused", "invalid_field")).toBe(1);
  expect(managed("export")).toBe(1);
  expect(managed("revoke")).toBe(1);
  expect(change("membrane_forwarded_bytes_total", 'direction="to_target"')).toBe(0);
  expect(after.total("membrane_invocations_total")).toBe(before.total("membrane_invocations_total"));
  expect(change("membrane_store_duration_seconds_count", 'operation="create"')).toBe(2);
  expect(change("membrane_store_duration_seconds_count", 'operation="revoke"')).toBe(1);
  expect(change("membrane_revocation_log_position")).toBe(1);
});

test("open streams, WebSockets and connections are counted while they are open, and what a revoke cuts is aborted by it", async () => {
  const { token, revoke } = await exportTarget();
  await using sockets = await startWebSocketTarget();
  const webSocket = await exportTarget({ uri: sockets.url });
  const before = await metrics.scrape();
  const connections = await Promise.all(
    Array.from({ length: MAX_IN_FLIGHT }, () => openRawConnection(service.port)),
  );
  for (const connection of connections) {
    connection.send(requestHead(token, { headers: ["X-Slow: 1"] }));
    await connection.until((received) => received.includes("begun"));
  }
  const socket = await openWebSocket(service, webSocket.token);
  const echoed = nextMessage(socket);
  socket.send("hello");
  expect(await echoed).toBe("hello");
  expectStatus(await call(service, token), 429);
  const during = changes(before, await metrics.scrape());
  expect(during("membrane_open_streams", 'kind="response"')).toBe(MAX_IN_FLIGHT);
  expect(during("membrane_open_streams", 'kind="websocket"')).toBe(1);
  expect(during("membrane_invocations_in_flight")).toBe(MAX_IN_FLIGHT + 1);
  expect(during("membrane_client_connections")).toBeGreaterThanOrEqual(MAX_IN_FLIGHT + 1);
  expect(during("membrane_limit_refusals_total", 'limit="max-concurrent-invocations-per-capability"')).toBe(
    1,
  );
  // A frame has a header, and that of a client a mask.
  expect(during("membrane_forwarded_bytes_total", 'direction="to_target"')).toBe(11);
  expect(during("membrane_forwarded_bytes_total", 'direction="to_client"')).toBe(MAX_IN_FLIGHT * 5 + 7);

  const closed = closeCode(socket);
  expectStatus(await call(service, revoke), 202);
  expectStatus(await call(service, webSocket.revoke), 202);
  await Promise.all([closed, ...connections.map((connection) => connection.closed)]);
  await until("the service has counted what was cut", async () => {
    const change = changes(before, await metrics.scrape());
    return change("membrane_invocations_total", 'outcome="aborted",reason="revoked"') === MAX_IN_FLIGHT + 1;
  });
  const after = changes(before, await metrics.scrape());
  expect(after("membrane_open_streams", 'kind="response"')).toBe(0);
  expect(after("membrane_open_streams", 'kind="websocket"')).toBe(0);
  expect(after("membrane_invocations_in_flight")).toBe(0);
  begun.length = 0;
});

test("a client that leaves is counted as such", async () => {
  const { token } = await exportTarget();
  const before = await metrics.scrape();
  const connection = await openRawConnection(service.port);
  connection.send(requestHead(token, { headers: ["X-Slow: 1"] }));
  await connection.until((received) => received.includes("begun"));
  connection.socket.destroy();
  await until("the service notices", async () => {
    const change = changes(before, await metrics.scrape());
    return change("membrane_invocations_total", 'outcome="client_disconnected",reason=""') === 1;
  });
});

test("what the gateway takes and what the target takes are counted separately", async () => {
  await using slow = await startTarget(
    (_request, response) => void setTimeout(() => response.end("ok"), 300),
  );
  const { token } = await exportTarget({ uri: slow.url });
  const before = await metrics.scrape();
  const begun = performance.now();
  expectStatus(await call(service, token), 200);
  const elapsed = (performance.now() - begun) / 1_000;
  const change = changes(before, await metrics.scrape());
  const ofTarget = change("membrane_target_duration_seconds_sum");
  const ofGateway = change("membrane_gateway_duration_seconds_sum");
  expect(ofTarget).toBeGreaterThanOrEqual(0.299);
  expect(ofGateway).toBeGreaterThan(0);
  expect(ofGateway + ofTarget).toBeLessThanOrEqual(elapsed);
});

test("a body that is held for its signature counts against its client, who sends it slowly, and not against the gateway", async () => {
  const { token } = await exportTarget({
    method: "POST",
    hmac: {
      "aws4-hmac-sha256": {
        awsAccessKeyId: "AKIA",
        secretAccessKey: "secret",
        region: "eu-west-1",
        service: "lambda",
      },
    },
  });
  const before = await metrics.scrape();
  const connection = await openRawConnection(service.port);
  const begun = performance.now();
  connection.send(
    requestHead(token, {
      line: "POST / HTTP/1.1",
      headers: ["Content-Length: 10", "Content-Type: text/plain"],
    }),
  );
  await until("the service waits for the body", async () => {
    const sinceBegun = changes(before, await metrics.scrape());
    return sinceBegun("membrane_invocations_in_flight") === 1;
  });
  connection.send("01234");
  await new Promise((resolve) => setTimeout(resolve, 500));
  connection.send("56789");
  expect((await nextResponse(connection)).status).toBe(200);
  const elapsed = (performance.now() - begun) / 1_000;
  const change = changes(before, await metrics.scrape());
  expect(change("membrane_gateway_duration_seconds_count")).toBe(1);
  expect(change("membrane_gateway_duration_seconds_sum")).toBeLessThan(elapsed - 0.4);
  await connection[Symbol.asyncDispose]();
});

test("resolutions are found in the cache except for the first time, and the cache says what it holds", async () => {
  const { token } = await exportTarget();
  const before = await metrics.scrape();
  for (let i = 0; i < 5; i += 1) expectStatus(await call(service, token), 200);
  const after = await metrics.scrape();
  const change = changes(before, after);
  expect(change("membrane_cache_lookups_total", 'result="miss"')).toBe(1);
  expect(change("membrane_cache_lookups_total", 'result="hit"')).toBe(4);
  expect(change("membrane_cache_entries")).toBe(1);
  expect(after.value("membrane_cache_bytes")).toBeGreaterThan(1_000);
});

test("nothing in a scrape is of a tenant: no name, token, address, host or fingerprint", async () => {
  const { name } = await exportTarget();
  const { text } = await metrics.scrape();
  const logged = JSON.stringify(service.logged());
  const fingerprints = new Set(logged.match(/\b[0-9a-f]{12}\b/g));
  expect(fingerprints.size).toBeGreaterThan(0);
  for (const word of [
    ...fingerprints,
    "default",
    "CPBLTY1",
    "127.0.0.1",
    "localhost",
    `${name}"`,
    "x-status",
  ])
    expect(text).not.toContain(word);
});

test("the store, the certificate, the processes and their memory are there", async () => {
  await using data = await temporaryDirectory();
  const address = await metricsAddress();
  const args = ["serve", "--data", data.path, "--listen", "127.0.0.1:0", "--authority", "a.test"];
  await using other = await spawnMembrane([...args, ...address.flags]);
  const scrape = await address.scrape();
  expect(scrape.value("membrane_store_state", 'state="writable"')).toBe(1);
  expect(scrape.value("membrane_store_size_bytes")).toBeGreaterThan(4_096);
  expect(scrape.value("membrane_store_room_bytes")).toBeGreaterThan(1_000_000);
  expect(scrape.value("membrane_sweep_backlog_entries")).toBe(0);
  expect(scrape.value("membrane_log_lines_lost_total")).toBe(0);
  expect(scrape.value("membrane_lease_age_seconds")).toBeUndefined();
  expect(scrape.value("membrane_audit_lag_seconds")).toBeUndefined();
  const days = (scrape.value("membrane_certificate_expiry_timestamp_seconds")! - Date.now() / 1_000) / 86_400;
  expect(days).toBeGreaterThan(80);
  expect(days).toBeLessThan(91);
  expect(scrape.value("membrane_memory_bytes", 'kind="resident"')).toBeGreaterThan(20_000_000);
  expect(scrape.value("membrane_cpu_seconds_total")).toBeGreaterThan(0.1);
  expect(scrape.value("membrane_ready")).toBe(1);
  const age = Date.now() / 1_000 - scrape.value("membrane_process_start_time_seconds")!;
  expect(age).toBeGreaterThan(0);
  expect(age).toBeLessThan(120);
  await until("the event loop has been measured", async () => {
    const { value } = await address.scrape();
    return value("membrane_event_loop_delay_seconds_count")! > 10;
  });
  await other.end("SIGTERM");
});

test("what the audit trail cannot write is seen: how long, and how many lines were lost", async () => {
  await using data = await temporaryDirectory();
  const address = await metricsAddress();
  await using other = await spawnService(data.path, {
    flags: [...address.flags, "--audit", "/dev/full", "--max-audited-refusals-per-minute", "5000"],
  });
  expect((await address.scrape()).value("membrane_audit_lines_lost_total")).toBe(0);
  for (let count = 0; count < 1_500; count += 1) await call(other, undefined);
  const scrape = await address.scrape();
  expect(scrape.value("membrane_audit_lag_seconds")).toBeGreaterThan(0);
  expect(scrape.value("membrane_audit_lines_lost_total")).toBeGreaterThan(0);
  await other.end("SIGTERM");
});

test("a service that stops is not ready, as the listener of metrics says until the end", async () => {
  await using data = await temporaryDirectory();
  const address = await metricsAddress();
  await using other = await spawnService(data.path, { flags: address.flags });
  expect(await address.status("/readyz")).toBe(200);
  const tokens = await firstTokens(data.path);
  const membrane = await createMembrane(other, tokens.create, "m");
  const body = { uri: target.url, allowHeaders: ["x-slow"] };
  const token = await exportThrough(other, membrane.export, body);
  const connection = await openRawConnection(other.port);
  connection.send(requestHead(token, { headers: ["X-Slow: 1"] }));
  await connection.until((received) => received.includes("begun"));
  const ended = other.end("SIGTERM");
  await until("the service stops", async () => (await address.status("/readyz")) === 503);
  expect((await address.scrape()).value("membrane_ready")).toBe(0);
  expect(await address.status("/healthz")).toBe(200);
  begun.pop()!.end("whole");
  expect(await ended).toEqual({ code: 0, signal: null });
  await connection.closed;
});

test("an address for metrics that cannot be used stops the start, and makes no data directory", async () => {
  await using data = await temporaryDirectory();
  const args = ["serve", "--data", `${data.path}/new`, "--authority", "a.test"];
  const refused = async (address: string, listen = "127.0.0.1:0"): Promise<string> => {
    const flags = ["--listen", listen, "--metrics-listen", address];
    const { code, stderr } = await runToItsEnd([...args, ...flags]);
    expect(code).toBe(1);
    return stderr;
  };
  const expected = /^membrane: --metrics-listen: expected ADDRESS:PORT, as in 127\.0\.0\.1:9464/;
  for (const address of ["9464", "localhost:9464", "127.0.0.1:0", "127.0.0.1", "127.0.0.1:99999", ":9464"])
    expect(await refused(address)).toMatch(expected);
  expect(await refused(`127.0.0.1:${service.port}`)).toMatch(
    /^membrane: --metrics-listen: 127\.0\.0\.1:\d+ is taken/,
  );
  expect(await refused("192.0.2.1:9464")).toMatch(/is not an address of this machine/);
  const port = await freePort();
  for (const listen of [`127.0.0.1:${port}`, `localhost:${port}`, `0.0.0.0:${port}`]) {
    const both = `membrane: --metrics-listen: 127.0.0.1:${port} has the port of --listen: name another one\n`;
    expect(await refused(`127.0.0.1:${port}`, listen)).toBe(both);
  }
  expect(await readdir(data.path)).toEqual([]);
});

test("where metrics are read is not a target, though a rule allows the address", async () => {
  const membrane = await createMembrane(service, create, "own");
  const { status, json } = await call(service, membrane.export, {
    body: { uri: `http://127.0.0.1:${metrics.port}/metrics` },
  });
  expect([status, json.code]).toEqual([400, "invalid_field"]);
});
