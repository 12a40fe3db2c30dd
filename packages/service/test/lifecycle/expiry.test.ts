import { afterEach, beforeEach, expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";

const START = Date.UTC(2030, 0, 31, 12);
const DAY_MS = 24 * 60 * 60 * 1_000;

let now = START;
let service: TestService;
let target: Awaited<ReturnType<typeof startTarget>>;
let exportToken: string;
let revokeToken: string;

beforeEach(async () => {
  now = START;
  service = await startTestService({ now: () => new Date(now) });
  target = await startTarget();
  ({ export: exportToken, revoke: revokeToken } = await createMembrane(service, service.tokens.create, "a"));
});

afterEach(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

async function status(token: string): Promise<number> {
  return (await call(service, token)).status;
}

async function exportEnding(body: object): Promise<{ readonly token: string; readonly expiresAt: unknown }> {
  const { json } = expectStatus(await call(service, exportToken, { body }), 201);
  return { token: tokenOf(json.capability), expiresAt: json.expiresAt };
}

test("a capability is dead from its end on, to the millisecond, and the export says when that is", async () => {
  const { token, expiresAt } = await exportEnding({ uri: target.url, limits: { ttlMs: 7 * DAY_MS } });
  expect(expiresAt).toBe("2030-02-07T12:00:00.000Z");
  now = START + 7 * DAY_MS - 1;
  expect(await status(token)).toBe(200);
  now += 1;
  expect(await status(token)).toBe(401);
});

test("an end can be given with an offset, and the export says it in UTC", async () => {
  const limits = { expiresAt: "2030-01-31T14:30:00.25+01:30" };
  const { token, expiresAt } = await exportEnding({ uri: target.url, limits });
  expect(expiresAt).toBe("2030-01-31T13:00:00.250Z");
  expect(await status(token)).toBe(200);
});

test("a capability whose end is past is made, and is dead", async () => {
  const limits = { expiresAt: "2020-01-01T00:00:00Z" };
  const { token } = await exportEnding({ uri: target.url, limits });
  expect(await status(token)).toBe(401);
});

test("an export without an end has the response that it had before there were limits", async () => {
  const { json } = expectStatus(
    await call(service, exportToken, { body: { uri: target.url, limits: {} } }),
    201,
  );
  expect(Object.keys(json)).toEqual(["capability"]);
});

test("a re-export ends with the capability that it re-exports, and its response has the earliest end of both", async () => {
  const parent = await exportEnding({ uri: target.url, limits: { ttlMs: 2 * DAY_MS } });
  const capability = uriOf(service, parent.token);
  const plain = await exportEnding({ capability });
  const longer = await exportEnding({ capability, limits: { ttlMs: 3 * DAY_MS } });
  const shorter = await exportEnding({ capability, limits: { ttlMs: DAY_MS } });
  expect([plain.expiresAt, longer.expiresAt, shorter.expiresAt]).toEqual([
    "2030-02-02T12:00:00.000Z",
    "2030-02-02T12:00:00.000Z",
    "2030-02-01T12:00:00.000Z",
  ]);
  const all = [parent, plain, longer, shorter];
  now = START + DAY_MS;
  expect(await Promise.all(all.map(({ token }) => status(token)))).toEqual([200, 200, 200, 401]);
  now = START + 2 * DAY_MS;
  expect(await Promise.all(all.map(({ token }) => status(token)))).toEqual([401, 401, 401, 401]);
});

test("a capability of the service itself ends, and with it what was made with it", async () => {
  const capability = uriOf(service, exportToken);
  const lent = await exportEnding({ capability, limits: { ttlMs: DAY_MS } });
  const made = await exportThrough(service, lent.token, { uri: target.url });
  expect(await status(made)).toBe(200);
  now = START + DAY_MS;
  expectStatus(await call(service, lent.token, { body: { uri: target.url } }), 401);
  expect(await status(made)).toBe(401);
});

test("a revoke capability can have an end", async () => {
  const lent = await exportEnding({ capability: uriOf(service, revokeToken), limits: { ttlMs: DAY_MS } });
  now = START + DAY_MS;
  expectStatus(await call(service, lent.token, { method: "POST" }), 401);
});

test("a label is neither in a log nor readable in the store", async () => {
  const label = "label-9c41 for Ümit";
  const { token } = await exportEnding({ uri: target.url, label });
  expect(await status(token)).toBe(200);
  expect(service.logged()).not.toContain("label-9c41");
  await using store = await openRawStore(service.directory);
  const rows = (await store.rows()).map(({ value }) => value.toString("latin1")).join("\n");
  expect(rows).not.toContain("label-9c41");
});
