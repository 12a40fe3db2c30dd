import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { firstTokens } from "../../../testkit/src/data-directory.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { metricsAddress } from "../../../testkit/src/metrics.ts";
import type { TestCollector } from "../../../testkit/src/otlp-collector.ts";
import { startCollector } from "../../../testkit/src/otlp-collector.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import { runToItsEnd, spawnService } from "../../../testkit/src/process.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { until } from "../../../testkit/src/until.ts";
import { formsOf } from "../support/secret-forms.ts";

/* Tests the traces of the built program. */

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let collector: TestCollector;
let target: TestTarget;

beforeEach(async () => {
  directory = await temporaryDirectory();
  collector = await startCollector();
  target = await startTarget();
});

afterEach(async () => {
  await target[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function exportFrom(service: ServiceProcess, body: object = { uri: target.url }): Promise<string> {
  const { create } = await firstTokens(directory.path);
  const membrane = await createMembrane(service, create, "m");
  return exportThrough(service, membrane.export, body);
}

function invocations(from: TestCollector = collector): ReturnType<TestCollector["spans"]> {
  return from.spans().filter(({ name }) => name === "invoke");
}

test("a service that is stopped sends what waits, and each of its workers is an instance", async () => {
  await using service = await spawnService(directory.path, {
    flags: ["--workers", "2", "--otlp-endpoint", collector.url],
  });
  const token = await exportFrom(service);
  // Each connection goes to the next worker.
  for (let round = 0; round < 8; round += 1)
    expectStatus(await call(service, token, { headers: { connection: "close" } }), 200);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(invocations()).toHaveLength(8);
  const instances = new Set(invocations().map(({ resource }) => resource["service.instance.id"]));
  expect(instances.size).toBe(2);
  expect(invocations()[0]!.resource).toMatchObject({
    "service.name": "membrane",
    "service.version": "0.1.0",
  });
  expect(service.logged().filter(({ msg }) => msg?.startsWith("spans"))).toEqual([]);
});

test("a service whose collector is not there serves, says so once, counts what it drops, and stops in time", async () => {
  const metrics = await metricsAddress();
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  await using service = await spawnService(directory.path, {
    flags: ["--otlp-endpoint", endpoint, "--span-queue-bytes", "3000", ...metrics.flags],
  });
  const token = await exportFrom(service);
  for (let round = 0; round < 10; round += 1) expectStatus(await call(service, token), 200);
  await until("it has failed", () => service.logged().some(({ msg }) => msg === "spans not exported"));
  const scrape = await metrics.scrape();
  const spans = (outcome: string) => scrape.value("membrane_spans_total", `outcome="${outcome}"`);
  expect(spans("queue_full")).toBeGreaterThan(0);
  expect(spans("exported")).toBe(0);
  expect(scrape.value("membrane_span_queue_bytes")).toBeGreaterThan(0);
  expect(scrape.value("membrane_span_queue_bytes")).toBeLessThanOrEqual(3_000);
  expect(scrape.value("membrane_unrecorded_requests_total")).toBe(0);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  const told = service.logged().filter(({ msg }) => msg === "spans not exported");
  expect(told.map(({ level, cause }) => [level, cause])).toEqual([
    ["warn", "ECONNREFUSED"],
    ["warn", "STOPPED"],
  ]);
});

test("a service whose collector never responds stops within its time", async () => {
  collector.respondWith(() => undefined);
  await using service = await spawnService(directory.path, {
    flags: ["--otlp-endpoint", collector.url, "--span-export-timeout-ms", "2147483647"],
  });
  expectStatus(await call(service, await exportFrom(service)), 200);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(service.logged()).toContainEqual(
    expect.objectContaining({ msg: "spans not exported", cause: "STOPPED" }),
  );
});

test("over TLS a collector with a private CA gets the headers of the file, which nothing else shows", async () => {
  const { cert, key, ca } = await makeCertificate("127.0.0.1");
  await using secure = await startCollector({ tls: { cert, key } });
  const [caFile, headersFile] = [join(directory.path, "ca.pem"), join(directory.path, "headers")];
  await writeFile(caFile, ca);
  await writeFile(headersFile, "Authorization: Bearer canary-of-the-collector\n");
  await using data = await temporaryDirectory();
  await using service = await spawnService(data.path, {
    flags: ["--otlp-endpoint", secure.url, "--otlp-ca", caFile, "--otlp-headers-file", headersFile],
  });
  const { create } = await firstTokens(data.path);
  await createMembrane(service, create, "m");
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(secure.spans().map(({ name }) => name)).toContain("create");
  expect(secure.heads[0]).toMatchObject({ authorization: "Bearer canary-of-the-collector" });
  expect(JSON.stringify(service.logged()) + service.printed()).not.toContain("canary");
});

test("nothing that is exported has a token, a target, or what a client or an exporter sends", async () => {
  await using service = await spawnService(directory.path, {
    flags: ["--otlp-endpoint", collector.url, "--log-level", "debug"],
  });
  const { create, query } = await firstTokens(directory.path);
  const membrane = await createMembrane(service, create, "canary-name");
  const token = await exportThrough(service, membrane.export, {
    uri: `${target.url}canary-path?canary-key=canary-value`,
    headers: { "X-Canary": "canary-header", Authorization: "Bearer canary-credential" },
    allowPath: true,
    allowQuery: ["canary-open"],
    label: "canary-label",
    limits: { paths: ["/canary-opened/**"] },
  });
  const sent = {
    path: "/canary-opened/x?canary-open=canary-sent",
    method: "POST",
    body: "canary-body",
    headers: {
      "user-agent": "canary-agent",
      "x-request-id": "canary-id",
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
      tracestate: "canary=canary-state",
      baggage: "canary=canary-baggage",
    },
  };
  expectStatus(await call(service, token, sent), 200);
  expectStatus(await call(service, token, { ...sent, path: "/canary-refused" }), 403);
  expectStatus(await call(service, token, { ...sent, path: "/canary-opened/x?canary-closed" }), 403);
  expectStatus(await call(service, token, { ...sent, method: "MKCALENDAR" }), 200);
  expectStatus(await call(service, create, { body: { id: "canary-name" } }), 409);
  expectStatus(await call(service, query, { path: "/?id=canary-name" }), 200);
  expectStatus(await call(service, membrane.revoke, { method: "DELETE" }), 202);
  expectStatus(await call(service, token, sent), 401);
  await service.end("SIGTERM");
  expect(invocations()).toHaveLength(4);
  const received = collector.received();
  expect(received).not.toMatch(/canary/i);
  expect(received).not.toContain("MKCALENDAR");
  expect(received).not.toContain(String(target.port));
  const tokens = { token, create, query, export: membrane.export, revoke: membrane.revoke };
  const bytes = Buffer.from(received);
  const found = [...formsOf({ tokens, secrets: [] })].filter(([, form]) => bytes.includes(form));
  expect(found.map(([name]) => name)).toEqual([]);
});

test("a configuration of traces that cannot be used stops the start, and makes no data directory", async () => {
  const headers = join(directory.path, "headers");
  await writeFile(headers, "canary");
  const args = [
    "serve",
    "--data",
    join(directory.path, "new"),
    "--listen",
    "127.0.0.1:0",
    "--authority",
    "a.test",
  ];
  const refused = async (...flags: string[]): Promise<string> => {
    const { code, stderr } = await runToItsEnd([...args, ...flags]);
    expect(code).toBe(1);
    expect(stderr).not.toContain("canary");
    return stderr;
  };
  const to = ["--otlp-endpoint", "http://127.0.0.1:4318"];
  expect(await refused("--otlp-endpoint", "127.0.0.1:4318")).toMatch(
    /^membrane: --otlp-endpoint: expected the URL/,
  );
  expect(await refused("--otlp-endpoint", "https://u:canary@a.test")).toMatch(/put credentials into/);
  expect(await refused("--otlp-sample", "0.5")).toMatch(/expected only with --otlp-endpoint/);
  expect(await refused(...to, "--otlp-sample", "2")).toMatch(/expected a number from 0 to 1/);
  expect(await refused(...to, "--otlp-headers-file", headers)).toMatch(
    /^membrane: --otlp-headers-file: .* another line/,
  );
  expect(await refused(...to, "--otlp-headers-file", join(directory.path, "none"))).toMatch(/cannot be read/);
  expect(await runToItsEnd(["serve", "--data", join(directory.path, "new"), "--help"])).toMatchObject({
    code: 0,
  });
});
