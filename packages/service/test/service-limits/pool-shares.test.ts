import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startRawTarget, startRawTlsTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";

/*
 * An exporter chooses the origins and certificates of its targets, and each pair is a pool of connections with a TLS context.
 * However many a tenant has, other tenants keep theirs.
 */

let certificate: TestCertificate;
let service: TestService;
let own: string;
let other: string;

beforeEach(async () => {
  certificate = await makeCertificate("127.0.0.1");
});
afterEach(() => service.close());

async function start(limits: TestServiceOptions["limits"]): Promise<void> {
  service = await startTestService({ limits: { ...limits } });
  [own, other] = [await exporterOf("own"), await exporterOf("other")];
}

async function exporterOf(id: string): Promise<string> {
  const provisioned = expectStatus(await call(service, service.tokens.provision, { body: { id } }), 201);
  const create = tokenOf(provisioned.json.capabilities.create);
  return (await createMembrane(service, create, "m")).export;
}

/** A response whose connection is kept for longer than any test takes. */
const KEPT_ANSWER = OK_RESPONSE.replace("\r\n", "\r\nKeep-Alive: timeout=600\r\n");

/** Starts a target over TLS that counts its connections. */
async function tlsTarget() {
  let connections = 0;
  const target = await startRawTlsTarget(certificate, (socket) => {
    connections += 1;
    rawResponder(KEPT_ANSWER)(socket);
  });
  return Object.assign(target, { connections: () => connections });
}

/** Makes different TLS options for each number, for the same target. */
const material = (i: number): object => ({ tls: { ca: `${certificate.ca}${"\n".repeat(i)}` } });

test.each([
  ["in number", { maxUpstreamPools: 8 }],
  ["in bytes", { upstreamPoolBytesTotal: 480 * 1024 }],
])(
  "a tenant with more TLS options than pools are kept (%s) closes its own pools, and none of another tenant",
  async (_how, limits) => {
    await start(limits);
    await using target = await tlsTarget();
    await using others = await tlsTarget();
    const kept = await exportThrough(service, other, { uri: others.url, ...material(0) });
    expect((await call(service, kept)).text).toBe("ok");
    for (let i = 0; i < 20; i += 1) {
      const token = await exportThrough(service, own, { uri: target.url, ...material(i) });
      expect((await call(service, token)).text).toBe("ok");
    }
    expect(target.connections()).toBe(20);
    expect((await call(service, kept)).text).toBe("ok");
    expect(others.connections()).toBe(1);
  },
);

test("while all pools of a tenant are in use it gets no other: a 429 with Retry-After; other tenants do", async () => {
  await start({ maxUpstreamPools: 8 });
  const silent: Socket[] = [];
  await using target = await startRawTlsTarget(certificate, (socket) => {
    if (silent.push(socket) > 4) rawResponder(OK_RESPONSE)(socket);
  });
  await using others = await tlsTarget();
  const held = [];
  for (let i = 0; i < 4; i += 1) {
    const token = await exportThrough(service, own, { uri: target.url, ...material(i) });
    held.push(call(service, token).catch(() => undefined));
  }
  await expect.poll(() => silent.length).toBe(4);
  const over = await exportThrough(service, own, { uri: target.url, ...material(4) });
  const refused = await call(service, over, { body: "with a body" });
  expect(refused).toMatchObject({
    status: 429,
    json: { code: "tenant_concurrency_exceeded" },
    headers: { "retry-after": "1" },
  });
  const token = await exportThrough(service, other, { uri: others.url, ...material(5) });
  expect((await call(service, token)).text).toBe("ok");
  for (const socket of silent) socket.destroy();
  await Promise.all(held);
  await expect.poll(async () => (await call(service, over, { body: "again" })).text).toBe("ok");
});

test("a tenant with all its connections to an origin in use does not keep other tenants from it; its delegates share them", async () => {
  await start({ maxUpstreamConnectionsPerDestination: 1 });
  const held: Socket[] = [];
  await using target = await startRawTarget((socket) => {
    held.push(socket);
    if (held.length > 1) rawResponder(OK_RESPONSE)(socket);
  });
  const token = await exportThrough(service, own, { uri: target.url });
  const first = call(service, token).catch(() => undefined);
  await expect.poll(() => held.length).toBe(1);
  const delegated = await exportThrough(service, other, { capability: uriOf(service, token) });
  const waiting = call(service, delegated);
  const same = await exportThrough(service, other, { uri: target.url });
  expect((await call(service, same)).text).toBe("ok");
  expect(held).toHaveLength(2);
  held[0]!.destroy();
  expect((await waiting).text).toBe("ok");
  await first;
});

test("a tenant with as many connections to targets as it may have leaves some to other tenants", async () => {
  await start({ maxUpstreamConnections: 8 });
  const held: Socket[] = [];
  await using target = await startRawTarget((socket) => void held.push(socket));
  await using others = await startRawTarget(rawResponder(OK_RESPONSE));
  const token = await exportThrough(service, own, { uri: target.url });
  const calls = Array.from({ length: 4 }, () => call(service, token).catch(() => undefined));
  await expect.poll(() => held.length).toBe(4);
  expect(await call(service, token)).toMatchObject({
    status: 429,
    json: { code: "tenant_concurrency_exceeded" },
  });
  const theirs = await exportThrough(service, other, { uri: others.url });
  expect((await call(service, theirs)).text).toBe("ok");
  for (const socket of held) socket.destroy();
  await Promise.all(calls);
});
