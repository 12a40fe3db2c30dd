import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTarget } from "../../testkit/src/target.ts";
import type { TestTarget } from "../../testkit/src/target.ts";
import CapabilitySDK from "../src/index.ts";
import type { Callback, Membrane } from "../src/index.ts";
import { startTlsService } from "./support/tls-service.ts";
import type { TlsService } from "./support/tls-service.ts";

let tls: TlsService;
let target: TestTarget;
let membrane: Membrane;

beforeAll(async () => {
  tls = await startTlsService();
  target = await startTarget();
  membrane = new CapabilitySDK.Membrane({ tls: { trustedCA: { [tls.authority]: tls.ca } } });
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

type Call = <T>(promise: () => Promise<T>, callback: (callback: Callback<T>) => void) => Promise<T>;

const byPromise: Call = (promise) => promise();

const byCallback: Call = (_promise, callback) =>
  new Promise((resolve, reject) => {
    callback((error, response) => {
      if (error !== undefined) reject(error);
      else resolve(response!);
    });
  });

const URI = /^cpblty:\/\/localhost:\d+\/#CPBLTY1-[\w-]{86}$/;

describe.each([
  ["promise", byPromise],
  ["callback", byCallback],
])("by %s", (way, outcome) => {
  const created = (id: string) =>
    outcome(
      () => membrane.create(tls.create, { id }),
      (done) => membrane.create(tls.create, { id }, done),
    );
  const exported = (through: string, body: Parameters<Membrane["export"]>[1]) =>
    outcome(
      () => membrane.export(through, body),
      (done) => membrane.export(through, body, done),
    );
  const revoked = (capability: string) =>
    outcome(
      () => membrane.revoke(capability),
      (done) => membrane.revoke(capability, done),
    );

  test("create returns the id and the two capabilities of the new membrane", async () => {
    expect(await created(`m ${way}`)).toEqual({
      id: `m ${way}`,
      capabilities: { export: expect.stringMatching(URI), revoke: expect.stringMatching(URI) },
    });
  });

  test("an export with limits and a label returns the end of the capability, and the limits hold", async () => {
    const { capabilities } = await created(`limited ${way}`);
    const { capability, expiresAt } = await exported(capabilities.export, {
      uri: target.url,
      limits: { ttlMs: 3_600_000, methods: ["GET"], requests: [{ paths: ["/"] }] },
      label: "for the nightly report",
    });
    expect(Date.parse(expiresAt ?? "")).toBeGreaterThan(Date.now());
    expect((await invoked(capability)).statusCode).toBe(200);
    expect((await invoked(capability, "DELETE")).statusCode).toBe(405);
  });

  test("a target can be exported and the capability re-exported, and a revoke, even when repeated, ends both", async () => {
    const first = (await created(`first ${way}`)).capabilities;
    const second = (await created(`second ${way}`)).capabilities;
    const exportedCapability = await exported(first.export, {
      uri: target.url,
      method: "POST",
      headers: { "X-Key": "k" },
    });
    expect(exportedCapability).toEqual({ capability: expect.stringMatching(URI) });
    const friend = await exported(second.export, { capability: exportedCapability.capability });
    expect(friend.capability).not.toBe(exportedCapability.capability);
    const invoke = async () => (await invoked(friend.capability)).statusCode;
    expect(await invoke()).toBe(200);
    expect(target.requests.at(-1)).toMatchObject({ method: "POST", headers: { "x-key": "k" } });

    const accepted = { statusCode: 202, message: "Accepted" };
    expect(await revoked(first.revoke)).toEqual(accepted);
    expect(await invoke()).toBe(401);
    expect(await revoked(first.revoke)).toEqual(accepted);
  });

  test("a second membrane with the same id, and an unknown capability, are errors of the service", async () => {
    await created(`twice ${way}`);
    await expect(created(`twice ${way}`)).rejects.toMatchObject({
      name: "CapabilityError",
      statusCode: 409,
      error: "Conflict",
      code: "membrane_exists",
    });
    const unknown = `cpblty://${tls.authority}/#CPBLTY1-${"A".repeat(86)}`;
    await expect(revoked(unknown)).rejects.toMatchObject({
      name: "CapabilityError",
      statusCode: 401,
      error: "Unauthorized",
      code: "unauthorized",
    });
  });

  test("query can ask for one id", async () => {
    const made = await created(`asked & for + ${way}?`);
    const query = { id: made.id };
    const found = await outcome(
      () => membrane.query(tls.query, query),
      (done) => membrane.query(tls.query, query, done),
    );
    expect(found).toEqual({ membranes: [made], completed: true });
  });

  test.each([null, undefined, {}])("the query %o returns the first membrane", async (query) => {
    const found = await outcome(
      () => membrane.query(tls.query, query),
      (done) => membrane.query(tls.query, query, done),
    );
    expect(found.membranes).toEqual((await membrane.query(tls.query, { limit: 1 })).membranes);
    expect(found).toMatchObject({ membranes: [expect.anything()], completed: false });
  });
});

function invoked(capability: string, method = "GET"): Promise<{ readonly statusCode: number | undefined }> {
  return new Promise((resolve, reject) => {
    const request = CapabilitySDK.request(capability, { ca: tls.ca, method });
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve({ statusCode: response.statusCode }));
    });
    request.on("error", reject);
    request.end();
  });
}

test("query without an argument returns the first membrane", async () => {
  expect(await membrane.query(tls.query)).toEqual(await membrane.query(tls.query, null));
});

test("query continues after lastId until completed, in the order of UTF-8 bytes, and returns each membrane once", async () => {
  await using own = await startTlsService();
  const client = new CapabilitySDK.Membrane({ tls: { trustedCA: { [own.authority]: own.ca } } });
  const ids = ["Z", "a", "é", "\uffee", "𝄞"];
  for (const id of ids.toReversed()) await client.create(own.create, { id });
  const seen: string[] = [];
  let lastId: string | undefined;
  for (let page = 0; page < ids.length; page += 1) {
    const query = lastId === undefined ? { limit: 2 } : { lastId, limit: 2 };
    const { membranes, completed } = await client.query(own.query, query);
    seen.push(...membranes.map(({ id }) => id));
    lastId = seen.at(-1);
    if (completed) break;
    expect(membranes).toHaveLength(2);
  }
  expect(seen).toEqual(ids);
  expect(await client.query(own.query, { id: "not there" })).toEqual({ membranes: [], completed: true });
});

test.each(["promise", "callback"] as const)("deleteSelf by %s ends the tenant", async (way) => {
  await using own = await startTlsService();
  const client = new CapabilitySDK.Membrane({ tls: { trustedCA: { [own.authority]: own.ca } } });
  const call = way === "promise" ? byPromise : byCallback;
  const deleted = await call(
    () => client.deleteSelf(own.deleteSelf),
    (done) => client.deleteSelf(own.deleteSelf, done),
  );
  expect(deleted).toEqual({ statusCode: 202, message: "Accepted" });
  await expect(client.create(own.create, { id: "late" })).rejects.toMatchObject({ statusCode: 401 });
});
