import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

const LIMIT = 5;
const PROXY = "127.0.0.3";

let service: TestService;
let target: TestTarget;
/** The monotonic clock and the time of day, in milliseconds. */
let elapsed: number;
let time: number;
let agents: Agent[];

beforeEach(async () => {
  elapsed = 1_000;
  time = Date.UTC(2026, 0, 1);
  agents = [];
  service = await startTestService({
    limits: { maxAuthFailuresPerMinute: LIMIT },
    trustedProxies: [`${PROXY}/32`],
    now: () => new Date(time),
    monotonic: () => elapsed,
  });
  target = await startTarget();
});

afterEach(async () => {
  for (const agent of agents) await agent.close();
  await service.close();
  await target[Symbol.asyncDispose]();
});

/** Makes a client with this address; all of 127.0.0.0/8 is this machine. */
function clientAt(localAddress: string): (token?: string, forwardedFor?: string) => Promise<CallResponse> {
  const agent = new Agent({ localAddress });
  agents.push(agent);
  return (token, forwardedFor) =>
    call(service, token, {
      dispatcher: agent,
      ...(forwardedFor === undefined ? {} : { headers: { "x-forwarded-for": forwardedFor } }),
    });
}

const exportNew = async (name: string): Promise<string> =>
  exportThrough(service, (await createMembrane(service, service.tokens.create, name)).export, {
    uri: target.url,
  });

const WRONG = [undefined, "CPBLTY1-none", `CPBLTY1-${"A".repeat(86)}`];

async function failUntilRefused(ask: (token?: string) => Promise<CallResponse>): Promise<void> {
  for (let i = 0; i < LIMIT; i += 1) expect((await ask(WRONG[i % 3])).status).toBe(401);
  for (const token of WRONG) {
    const refused = await ask(token);
    expect(refused).toMatchObject({ status: 429, json: { code: "too_many_auth_failures" } });
    expect(refused.headers["retry-after"]).toBe("60");
  }
}

test("an address that fails too often gets a 429 for any invalid token; other addresses are served", async () => {
  const token = await exportNew("m");
  await failUntilRefused(clientAt("127.0.0.4"));
  const other = clientAt("127.0.0.5");
  expect((await other(token)).status).toBe(200);
  expect((await other("none")).status).toBe(401);
});

test("a capability in use still works at the address; one that was not used yet is refused until the minute has passed", async () => {
  const [used, fresh] = [await exportNew("a"), await exportNew("b")];
  const ask = clientAt("127.0.0.4");
  expect((await ask(used)).status).toBe(200);
  await failUntilRefused(ask);
  expect((await ask(used)).status).toBe(200);
  expect((await ask(fresh)).status).toBe(429);
  time += 60_000;
  expect((await ask(fresh)).status).toBe(429);
  // The time of day is set back by an hour meanwhile.
  time -= 3_600_000;
  elapsed += 60_000;
  expect((await ask(fresh)).status).toBe(200);
  expect((await ask("none")).status).toBe(401);
});

test("successes do not count", async () => {
  const token = await exportNew("m");
  const ask = clientAt("127.0.0.4");
  for (let i = 0; i < 3 * LIMIT; i += 1) expect((await ask(token)).status).toBe(200);
  expect((await ask("none")).status).toBe(401);
});

test.each([
  ["a health check", { path: "/healthz" }, 200],
  ["a look for an authorization server", { path: "/.well-known/openid-configuration" }, 404],
  ["a CORS preflight", { method: "OPTIONS" }, 204],
  ["a presigned URL", { path: "/?X-Amz-Signature=0" }, 400],
] as const)("%s without a token does not count", async (_what, options, status) => {
  for (let i = 0; i < 2 * LIMIT; i += 1)
    expect((await call(service, undefined, options)).status).toBe(status);
  expect((await call(service, undefined)).status).toBe(401);
});

test("behind a trusted proxy each client is counted separately; X-Forwarded-For of any other peer is ignored", async () => {
  const proxy = clientAt(PROXY);
  await failUntilRefused((token) => proxy(token, "198.51.100.1"));
  expect((await proxy("none", "198.51.100.2")).status).toBe(401);
  expect((await proxy("none", "198.51.100.2, 198.51.100.1")).status).toBe(429);
  const liar = clientAt("127.0.0.4");
  let invented = 0;
  await failUntilRefused((token) => liar(token, `198.51.100.${(invented += 1)}`));
});
