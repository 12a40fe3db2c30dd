import type { ServerResponse } from "node:http";
import { Agent } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { openRawConnection } from "../../../testkit/src/raw-connection.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

/** Small limits, so that a test reaches each of them. */
const LIMITS = {
  maxConcurrentInvocationsPerCapability: 2,
  maxConcurrentInvocationsPerTenant: 3,
  maxConcurrentInvocations: 5,
};

let service: TestService;
let target: TestTarget;
/** Responses that the target has not sent yet. */
let owed: ServerResponse[] = [];
const dispatcher = new Agent({ connections: 32 });

beforeAll(async () => {
  service = await startTestService({ limits: LIMITS });
  target = await startTarget((request, response) => {
    if (request.headers["x-at-once"] === undefined) owed.push(response);
    else response.end("at once");
  });
});

// A test that fails leaves invocations in flight: the next one would find no room, and closing would wait for them.
afterEach(() => {
  for (const response of owed.splice(0)) response.end("held");
});

afterAll(async () => {
  await dispatcher.destroy();
  await service.close();
  await target[Symbol.asyncDispose]();
});

let membrane: { readonly export: string };
let other: { readonly export: string };
let names = 0;

beforeEach(async () => {
  names += 1;
  membrane = await createMembrane(service, service.tokens.create, `m${names}`);
  const provisioned = await call(service, service.tokens.provision, { body: { id: `tenant ${names}` } });
  const create = tokenOf(expectStatus(provisioned, 201).json.capabilities.create);
  other = await createMembrane(service, create, "m");
});

const exportNew = ({ export: exporting }: { readonly export: string }): Promise<string> =>
  exportThrough(service, exporting, { uri: target.url });

/** Starts invocations, which are in flight when this resolves, until the target responds. */
async function hold(...tokens: readonly string[]): Promise<{ end(): Promise<readonly CallResponse[]> }> {
  const before = owed.length;
  const calls = tokens.map((token) => call(service, token, { dispatcher }));
  await expect.poll(() => owed.length).toBe(before + tokens.length);
  return {
    async end() {
      for (const response of owed.splice(0)) response.end("held");
      return Promise.all(calls);
    },
  };
}

const soon = (token: string): Promise<CallResponse> =>
  call(service, token, { dispatcher, headers: { "x-at-once": "1" } });

test("a capability with too many invocations in flight is a 429 that says when to retry; another one is served", async () => {
  const [full, free] = [await exportNew(membrane), await exportNew(membrane)];
  const held = await hold(full, full);
  const refused = await soon(full);
  expect(refused).toMatchObject({ status: 429, json: { code: "capability_concurrency_exceeded" } });
  expect(refused.headers["retry-after"]).toBe("1");
  expect((await soon(free)).text).toBe("at once");
  expect((await held.end()).map(({ text }) => text)).toEqual(["held", "held"]);
  expect((await soon(full)).text).toBe("at once");
});

test("a tenant's limit counts all invocations through its membranes, also a delegate's; other tenants are served", async () => {
  const own = await exportNew(membrane);
  const delegated = await exportThrough(service, other.export, {
    capability: uriOf(service, await exportNew(membrane)),
  });
  const held = await hold(own, own, delegated);
  expect(await soon(await exportNew(membrane))).toMatchObject({
    status: 429,
    json: { code: "tenant_concurrency_exceeded" },
  });
  expect(await soon(delegated)).toMatchObject({ status: 429, json: { code: "tenant_concurrency_exceeded" } });
  expect((await soon(await exportNew(other))).text).toBe("at once");
  await held.end();
  expect((await soon(delegated)).text).toBe("at once");
});

test("re-exports of a capability share its slots and have no others; another capability is served", async () => {
  const own = await exportNew(membrane);
  const again = async (of: string): Promise<string> =>
    exportThrough(service, other.export, { capability: uriOf(service, of) });
  const [delegated, twice] = [await again(own), await again(await again(own))];
  const held = await hold(delegated, twice);
  for (const token of [own, delegated, twice, await again(own)])
    expect(await soon(token)).toMatchObject({
      status: 429,
      json: { code: "capability_concurrency_exceeded" },
    });
  expect((await soon(await exportNew(membrane))).text).toBe("at once");
  await held.end();
  expect((await soon(own)).text).toBe("at once");
});

test("the limit of the whole service is a 503, which does not affect management", async () => {
  const [own, foreign] = [await exportNew(membrane), await exportNew(other)];
  const held = await hold(own, own, await exportNew(membrane), foreign, foreign);
  const refused = await soon(await exportNew(other));
  expect(refused).toMatchObject({ status: 503, json: { code: "service_overloaded" } });
  expect(refused.headers["retry-after"]).toBe("1");
  await createMembrane(service, service.tokens.create, `while full ${names}`);
  await held.end();
  expect((await soon(await exportNew(other))).text).toBe("at once");
});

test("a client that disconnects, and an invocation that ends without a response, release their slots", async () => {
  const token = await exportNew(membrane);
  const leaving = new Agent();
  const left = [1, 2].map(() => call(service, token, { dispatcher: leaving }).catch(() => "left"));
  await expect.poll(() => owed.length).toBe(2);
  await leaving.destroy();
  expect(await Promise.all(left)).toEqual(["left", "left"]);
  await expect.poll(async () => (await soon(token)).status).toBe(200);
  owed.splice(0);

  const unreachable = await exportThrough(service, membrane.export, { uri: "http://127.0.0.1:9/" });
  for (let round = 0; round < 9; round += 1) expect((await soon(unreachable)).status).toBe(502);
});

test("an invalid token is a 401, even while all limits are reached", async () => {
  const token = await exportNew(membrane);
  const held = await hold(token, token);
  expect((await soon(`${token.slice(0, -6)}AAAAAA`)).status).toBe(401);
  await held.end();
});

test("connections beyond the limit are closed at once; open ones are served, and a closed one makes room", async () => {
  await using small = await startTestService({ limits: { maxConnections: 3 } });
  const open = await Promise.all([1, 2, 3].map(() => openRawConnection(small.port)));
  await using late = await openRawConnection(small.port);
  late.send("GET /healthz HTTP/1.1\r\nHost: membrane.test\r\n\r\n");
  await expect(late.until((text) => text !== "")).rejects.toThrow(/the connection (?:ended|reset) after: $/);
  const [first] = open;
  first!.send("GET /healthz HTTP/1.1\r\nHost: membrane.test\r\n\r\n");
  await first!.until((text) => text.includes('{"status":"ok"}'));
  await first![Symbol.asyncDispose]();
  const health = () =>
    fetch(`${small.url}/healthz`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(health).toBe(200);
  for (const connection of open) await connection[Symbol.asyncDispose]();
});
