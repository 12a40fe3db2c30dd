import { afterEach, beforeEach, expect, test } from "vitest";
import { formatToken } from "capability-protocol";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/* When and for whom a capability is valid: `notBefore` and `clientCidrs`. */

const START = Date.UTC(2030, 0, 31, 12);
const LATER = "2030-01-31T13:00:00Z";
const FROM_NET: Readonly<Record<string, string>> = { "x-forwarded-for": "203.0.113.7" };
const FROM_ELSEWHERE = { "x-forwarded-for": "198.51.100.7" };

let now = START;
let service: TestService;
let target: Awaited<ReturnType<typeof startTarget>>;
let requests = 0;
let exporting: string;
let revoking: string;

beforeEach(async () => {
  [now, requests] = [START, 0];
  service = await startTestService({
    now: () => new Date(now),
    trustedProxies: ["127.0.0.1"],
    limits: { maxAuthFailuresPerMinute: 5 },
  });
  target = await startTarget((_request, response) => {
    requests += 1;
    response.end("ok");
  });
  ({ export: exporting, revoke: revoking } = await createMembrane(service, service.tokens.create, "m"));
});

afterEach(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

async function exportFrom(body: object, through = exporting): Promise<string> {
  return tokenOf(
    expectStatus(await call(service, through, { body, headers: FROM_NET }), 201).json.capability,
  );
}

/** All of a response that may not depend on the token. */
function comparable({ status, headers, text }: CallResponse): object {
  const { date: _date, "x-request-id": _id, ...others } = headers;
  return { status, headers: others, text };
}

test("a capability that is not valid yet can be re-exported, and it and its re-exports work from that time on", async () => {
  const early = await exportFrom({ uri: target.url, limits: { notBefore: LATER } });
  const child = await exportFrom({ capability: uriOf(service, early) });
  for (const token of [early, child]) expectStatus(await call(service, token), 401);
  now = Date.parse(LATER) - 1;
  expectStatus(await call(service, early), 401);
  expect(requests).toBe(0);
  now += 1;
  for (const token of [early, child]) expectStatus(await call(service, token), 200);
});

test("a capability works only for clients whose address is in a block of each list on its way", async () => {
  const first = await exportFrom({
    uri: target.url,
    limits: { clientCidrs: ["203.0.113.0/24", "2001:db8::/32"] },
  });
  const second = await exportFrom({
    capability: uriOf(service, first),
    limits: { clientCidrs: ["203.0.113.7", "198.51.100.0/24"] },
  });
  const from = (token: string, address: string) =>
    call(service, token, { headers: { "x-forwarded-for": address } });
  const statuses = async (address: string) =>
    Promise.all([first, second].map(async (token) => (await from(token, address)).status));
  expect(await statuses("203.0.113.7")).toEqual([200, 200]);
  expect(await statuses("::ffff:203.0.113.7")).toEqual([200, 200]);
  expect(await statuses("203.0.113.8")).toEqual([200, 401]);
  expect(await statuses("2001:db8::1")).toEqual([200, 401]);
  expect(await statuses("198.51.100.7")).toEqual([401, 401]);
  // The proxy itself, and an address that a client has invented before its own.
  expect((await call(service, first)).status).toBe(401);
  expect((await from(first, "203.0.113.7, 198.51.100.7")).status).toBe(401);
});

test("without a trusted proxy the address is that of the connection, whatever a header says", async () => {
  await using direct = await startTestService();
  const membrane = await createMembrane(direct, direct.tokens.create, "m");
  const make = async (block: string) => {
    const body = { uri: target.url, limits: { clientCidrs: [block] } };
    return tokenOf(expectStatus(await call(direct, membrane.export, { body }), 201).json.capability);
  };
  const [near, far] = [await make("127.0.0.0/8"), await make("203.0.113.0/24")];
  expectStatus(await call(direct, near), 200);
  expectStatus(await call(direct, far, { headers: FROM_NET }), 401);
});

test("the capabilities of the service itself are valid when and for whom their limits say", async () => {
  const limits = { notBefore: LATER, clientCidrs: ["203.0.113.0/24"] };
  const lent = await exportFrom({ capability: uriOf(service, exporting), limits });
  const revoke = await exportFrom({ capability: uriOf(service, revoking), limits });
  const body = { uri: target.url };
  expectStatus(await call(service, lent, { body, headers: FROM_NET }), 401);
  now = Date.parse(LATER);
  expectStatus(await call(service, lent, { body, headers: FROM_ELSEWHERE }), 401);
  const made = await exportFrom(body, lent);
  // What was made with it has no limits of it.
  expectStatus(await call(service, made, { headers: FROM_ELSEWHERE }), 200);
  expectStatus(await call(service, revoke, { method: "POST", headers: FROM_ELSEWHERE }), 401);
  expectStatus(await call(service, revoke, { method: "POST", headers: FROM_NET }), 202);
});

test("what is not valid is refused like what does not exist, before anything else about the request is checked", async () => {
  const unknown = formatToken(Buffer.alloc(64, 7));
  const invalid = [
    await exportFrom({ uri: target.url, limits: { notBefore: LATER } }),
    await exportFrom({ uri: target.url, limits: { clientCidrs: ["10.0.0.0/8"] } }),
    await exportFrom({ capability: uriOf(service, exporting), limits: { notBefore: LATER } }),
  ];
  const headers = { ...FROM_NET, "membrane-operation": "query" };
  for (const options of [{}, { path: "/elsewhere?a=b", method: "PUT" }, { headers }]) {
    const expected = comparable(await call(service, unknown, { headers: FROM_NET, ...options }));
    for (const token of invalid)
      expect(comparable(await call(service, token, { headers: FROM_NET, ...options }))).toEqual(expected);
  }
  expect(requests).toBe(0);
});

test("what is not valid does not count as a failed authorization of its address", async () => {
  const early = await exportFrom({ uri: target.url, limits: { notBefore: LATER } });
  const expired = await exportFrom({ uri: target.url, limits: { expiresAt: LATER } });
  const unusedChild = await exportFrom({ capability: uriOf(service, expired) });
  for (let i = 0; i < 9; i += 1) expectStatus(await call(service, early, { headers: FROM_ELSEWHERE }), 401);
  now = Date.parse(LATER);
  for (let i = 0; i < 9; i += 1) {
    expectStatus(await call(service, expired, { headers: FROM_ELSEWHERE }), 401);
    expectStatus(await call(service, unusedChild, { headers: FROM_ELSEWHERE }), 401);
  }
  const unknown = formatToken(Buffer.alloc(64, 7));
  for (const status of [401, 401, 401, 401, 401, 429])
    expectStatus(await call(service, unknown, { headers: FROM_ELSEWHERE }), status);
});
