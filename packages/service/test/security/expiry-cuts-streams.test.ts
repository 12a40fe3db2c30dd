import { once } from "node:events";
import { Agent } from "undici";
import { expect, test, vi } from "vitest";
import { call, createMembrane, expectStatus, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import type { TestService, TestServiceOptions } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget, startTarget } from "../../../testkit/src/target.ts";
import { openStream, startEndlessTarget } from "../support/open-stream.ts";

/** A stream that is not aborted must not delay the suite. */
vi.setConfig({ testTimeout: 20_000 });

const START = Date.UTC(2030, 0, 31);
const TTL_MS = 3_600_000;

/** A service whose time of day a test sets. */
async function startAt(options: TestServiceOptions = {}) {
  const clock = { now: START };
  const service = await startTestService({ ...options, now: () => new Date(clock.now) });
  const membrane = await createMembrane(service, service.tokens.create, "membrane");
  const exportFrom = async (body: object, through = membrane.export): Promise<string> =>
    tokenOf(expectStatus(await call(service, through, { body }), 201).json.capability);
  return { service, clock, exportFrom, [Symbol.asyncDispose]: () => service.close() };
}

test("what ends cuts the open streams of all that descends from it, on both sides, and no others", async () => {
  await using at = await startAt();
  const { service, clock, exportFrom } = at;
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const source = await exportFrom({ uri: target.url, limits: { ttlMs: TTL_MS } });
  const delegated = await exportFrom({ capability: uriOf(service, source), limits: { ttlMs: 2 * TTL_MS } });
  const later = await exportFrom({ uri: target.url, limits: { ttlMs: 2 * TTL_MS } });
  const never = await exportFrom({ uri: target.url });
  const doomed = [await openStream(service, source, agent), await openStream(service, delegated, agent)];
  const upstream = target.responses.map((response) => once(response, "close"));
  const others = [await openStream(service, later, agent), await openStream(service, never, agent)];

  clock.now = START + TTL_MS;
  for (const stream of doomed) await stream.aborted();
  await Promise.all(upstream);
  for (const response of target.responses.slice(2)) response.write("second");
  for (const stream of others) expect(await stream.next()).toBe("second");
  expect(service.logged()).toMatch(/"cause":"EXPIRED","msg":"response aborted"/);
  await agent.destroy();
});

test("what was made with a capability that ends is cut with it", async () => {
  await using at = await startAt();
  const { service, clock, exportFrom } = at;
  await using target = await startEndlessTarget();
  const agent = new Agent();
  const membrane = await createMembrane(service, service.tokens.create, "other");
  const lent = await exportFrom({ capability: uriOf(service, membrane.export), limits: { ttlMs: TTL_MS } });
  const stream = await openStream(service, await exportFrom({ uri: target.url }, lent), agent);
  clock.now = START + TTL_MS;
  await stream.aborted();
  await agent.destroy();
});

test("a request that waits for its response when its capability ends is answered like one that comes later", async () => {
  await using at = await startAt();
  const { service, clock, exportFrom } = at;
  const arrived = deferred<void>();
  await using target = await startTarget(() => arrived.resolve());
  const token = await exportFrom({ uri: target.url, limits: { ttlMs: TTL_MS } });
  const response = call(service, token);
  await arrived.promise;
  clock.now = START + TTL_MS;
  expect(await response).toMatchObject({ status: 401, json: { code: "unauthorized" } });
});

test("not a byte is sent for a request whose capability ends while its target is looked up", async () => {
  const looked = deferred<void>();
  let find = (): void => undefined;
  await using at = await startAt({
    lookup: (_name, _options, callback) => {
      find = () => callback(null, [{ address: "127.0.0.1", family: 4 }]);
      looked.resolve();
    },
  });
  const { service, clock, exportFrom } = at;
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const uri = `http://late.example:${target.port}/`;
  const response = call(service, await exportFrom({ uri, limits: { ttlMs: TTL_MS } }));
  await looked.promise;
  clock.now = START + TTL_MS;
  // In the same turn, so that no timer comes between.
  find();
  expect((await response).status).toBe(401);
  expect(target.received()).toBe("");
});

test("nothing is made with or from a capability that ends while the body of the export arrives", async () => {
  await using at = await startAt();
  const { service, clock, exportFrom } = at;
  const [membrane, other] = [
    await createMembrane(service, service.tokens.create, "lent"),
    await createMembrane(service, service.tokens.create, "other"),
  ];
  const limits = { ttlMs: TTL_MS };
  const lent = await exportFrom({ capability: uriOf(service, membrane.export), limits });
  const parent = await exportFrom({ uri: "https://example.com/", limits });
  for (const [token, body, code] of [
    [lent, { uri: "https://example.com/" }, "unauthorized"],
    [other.export, { capability: uriOf(service, parent) }, "invalid_capability"],
  ] as const) {
    clock.now = START;
    const response = await exportSlowly(service, token, body, () => (clock.now = START + TTL_MS));
    expect(response).toContain(code);
  }
});

/** Sends an export whose last byte comes after `meanwhile`. */
async function exportSlowly(
  service: TestService,
  token: string,
  body: object,
  meanwhile: () => void,
): Promise<string> {
  await using connection = await openRawConnection(service.port);
  const text = JSON.stringify(body);
  const headers = [`Content-Length: ${text.length}`, "Expect: 100-continue"];
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
  const from = (await connection.until((received) => received.endsWith("\r\n\r\n"))).length;
  connection.send(text.slice(0, -1));
  meanwhile();
  connection.send(text.slice(-1));
  return (await nextResponse(connection, { from })).body;
}
