import { FORWARDABLE_METHODS } from "capability-protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, expectStatus, uriOf } from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { forgeryAttempt, visibleTraces, tokensFrom } from "../support/token-forgery.ts";
import type { ForgeryAttempt } from "../support/token-forgery.ts";
import { HELD_CAPABILITIES, createTenantFixture, startEcho, tenantView } from "../support/tenant-fixture.ts";
import type { HeldCapabilityName, TenantFixture } from "../support/tenant-fixture.ts";

/*
 * Two tenants of one service. lifecycle.property.test.ts tests when a capability works. Here an attacker tries to see or end
 * another tenant's records with everything that a tenant can hold and that an endpoint accepts.
 */

const METHODS = [...FORWARDABLE_METHODS, "TRACE"];

let service: TestService;
/** A service without the victim. */
let lonely: TestService;
/** The targets of the victim and of the attacker. */
let target: TestTarget;
let ownTarget: TestTarget;
let victim: TenantFixture;
let marks: readonly string[];
beforeAll(async () => {
  [service, lonely] = await Promise.all([startTestService(), startTestService()]);
  [target, ownTarget] = await Promise.all([startEcho(), startEcho()]);
  victim = await createTenantFixture(service, target, "victim");
  await tenantView(service, victim);
  marks = await visibleTraces(service);
});
afterAll(async () => {
  await Promise.all([service.close(), lonely.close()]);
  for (const each of [target, ownTarget]) await each[Symbol.asyncDispose]();
});

/** Sends a request and returns the whole response, from the status line on. */
async function ask(
  { port }: TestService,
  token: string,
  method: string,
  { path, headers, body }: ForgeryAttempt,
): Promise<string> {
  await using connection = await openRawConnection(port);
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [...headers, ...length, "Connection: close"];
  connection.send(requestHead(token, { line: `${method} ${path} HTTP/1.1`, headers: lines }));
  connection.send(Buffer.from(body));
  await connection.closed;
  return connection.received();
}

/** Lists the secrets of the victim in a text, except those that the request contained. */
function leaked(text: string, sent: string): readonly string[] {
  return victim.secrets.filter((secret) => text.includes(secret) && !sent.includes(secret));
}

/** Removes the parts that differ from one time to the next. */
function alike(text: string): string {
  return text.replace(/\r\n(?:Date|X-Request-Id): [^\r]*/g, "").replace(/CPBLTY1-[\w-]{86}/g, "a token");
}

let tenants = 0;

/** Returns the responses to a new tenant for each attempt with every method, and what it sees in the end. */
async function play(
  on: TestService,
  name: HeldCapabilityName,
  attempts: readonly ForgeryAttempt[],
): Promise<string[]> {
  const other = await createTenantFixture(on, ownTarget, `other${tenants}`);
  const responses: string[] = [];
  for (const attempt of attempts) {
    for (const method of METHODS) responses.push(await ask(on, other.tokens[name], method, attempt));
  }
  return [...responses, ...(await tenantView(on, other))];
}

test.each(Object.keys(HELD_CAPABILITIES) as HeldCapabilityName[])(
  "the responses to a tenant for any request with %s, by any method, are as without the other tenant, which sees no difference",
  async (name) => {
    const before = await tenantView(service, victim);
    const foreign = { ids: victim.ids, texts: [...marks, ...marks.flatMap(tokensFrom)] };
    const attempt = forgeryAttempt(service, foreign, `${ownTarget.url}mine`);
    const someAttempts = fc.array(attempt, { minLength: 4, maxLength: 4 });
    const property = fc.asyncProperty(someAttempts, async (attempts) => {
      tenants += 1;
      const reached = target.requests.length;
      const received = ownTarget.requests.length;
      const sent = decodeURIComponent(attempts.map(({ path, headers }) => path + headers.join()).join());
      const told = sent + attempts.map(({ body }) => body).join();
      const responses = await play(service, name, attempts);
      expect(leaked(responses.join("\n"), told)).toEqual([]);
      expect(leaked(JSON.stringify(ownTarget.requests.slice(received)), told)).toEqual([]);
      expect(target.requests).toHaveLength(reached);
      expect(await tenantView(service, victim)).toEqual(before);
      const without = await play(lonely, name, attempts);
      expect(responses.map(alike)).toEqual(without.map(alike));
    });
    await fc.assert(property, { numRuns: 1, endOnFailure: true });
  },
);

test("no text in the store or the log is a capability, nor becomes one by a re-export", async () => {
  tenants += 1;
  const other = await createTenantFixture(service, ownTarget, `other${tenants}`);
  const before = await tenantView(service, victim);
  for (const text of marks.flatMap(tokensFrom)) {
    expect(await call(service, text)).toMatchObject({ status: 401 });
    const body = { capability: uriOf(service, text) };
    expect(await call(service, other.tokens.export, { body })).toMatchObject({ status: 400 });
  }
  expect(await tenantView(service, victim)).toEqual(before);
});

test.each(["deleteSelf", "delegated deleteSelf", "revoke", "delegated revoke", "listed revoke"] as const)(
  "%s ends records of its tenant, and nothing of another tenant whose membranes have the same ids",
  async (name) => {
    tenants += 1;
    const other = await createTenantFixture(service, ownTarget, `other${tenants}`);
    for (const id of victim.ids) await createMembrane(service, other.tokens.create, id);
    const before = await tenantView(service, victim);
    expectStatus(await call(service, other.tokens[name], { method: "POST" }), 202);
    expect(await call(service, other.tokens.exported)).toMatchObject({ status: 401 });
    expect(await tenantView(service, victim)).toEqual(before);
  },
);
