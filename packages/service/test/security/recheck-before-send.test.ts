import type { LookupFunction } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Engine } from "../../src/store/engine.ts";
import type { LmdbEngineOptions } from "../../src/store/lmdb/engine.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import { call, createMembrane, exportThrough, expectStatus } from "../../../testkit/src/client.ts";
import type { DelayedSource } from "../../../testkit/src/delayed-log.ts";
import { delayLog } from "../../../testkit/src/delayed-log.ts";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { ServiceProcess } from "../../../testkit/src/process.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startRawTarget } from "../../../testkit/src/target.ts";
import { OK_RESPONSE, rawResponder } from "../../../testkit/src/raw-responder.ts";
import { startOtherProcess } from "../support/other-process.ts";
import { nextResponse, openRawConnection, requestHead } from "../../../testkit/src/raw-connection.ts";

const ROUNDS = 5;

/**
 * Another process revokes, so the tested process learns of it only when it reads the log. The read just after the 202 is nearly
 * always that of the request itself.
 */
let service: TestService;
let other: ServiceProcess;
const name = promisedName();
let membranes = 0;

beforeAll(async () => {
  service = await startTestService({
    limits: { maxUpstreamConnectionsPerDestination: 1 },
    lookup: name.lookup,
  });
  other = await startOtherProcess(service);
});

afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await service.close();
});

async function newMembrane(): Promise<{ readonly export: string; readonly revoke: string }> {
  membranes += 1;
  return createMembrane(service, service.tokens.create, `m${membranes}`);
}

/** Makes a host name whose lookup ends when the test resolves it. */
function promisedName() {
  let asked = deferred<void>();
  let found: () => void = () => undefined;
  const lookup: LookupFunction = (_name, _options, callback) => {
    found = () => callback(null, [{ address: "127.0.0.1", family: 4 }]);
    asked.resolve();
  };
  return {
    lookup,
    find: () => found(),
    async asked() {
      await asked.promise;
      asked = deferred();
    },
  };
}

test("not a byte is sent for an authorized request whose membrane is revoked while its target is looked up", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  for (let round = 0; round < ROUNDS; round += 1) {
    const membrane = await newMembrane();
    const uri = `http://late-${round}.example:${target.port}/`;
    const response = call(service, await exportThrough(service, membrane.export, { uri }));
    await name.asked();
    expectStatus(await call(other, membrane.revoke), 202);
    name.find();
    expect((await response).status).toBe(401);
    expect(target.received()).toBe("");
  }
});

test("a request that waits for a connection of its destination is checked again before its first byte", async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    let free: () => void = () => undefined;
    await using target = await startRawTarget((socket) => {
      socket.on("data", () => {
        free = () => void socket.write(OK_RESPONSE);
      });
    });
    const [first, second] = [await newMembrane(), await newMembrane()];
    const busy = call(service, await exportThrough(service, first.export, { uri: target.url }));
    await expect.poll(() => target.received()).toContain("\r\n\r\n");
    const before = target.received();
    await using waiting = await openRawConnection(service.port);
    waiting.send(requestHead(await exportThrough(service, second.export, { uri: target.url })));
    expectStatus(await call(service, first.export, { body: { uri: target.url } }), 201);
    expectStatus(await call(other, second.revoke), 202);
    free();
    expect((await busy).status).toBe(200);
    expect((await nextResponse(waiting)).status).toBe(401);
    expect(target.received()).toBe(before);
  }
});

test("a body that is buffered to be signed when its membrane is revoked is not sent", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const membrane = await newMembrane();
  const hmac = {
    "aws4-hmac-sha256": {
      awsAccessKeyId: "AKIDEXAMPLE",
      region: "us-east-1",
      service: "lambda",
      secretAccessKey: "secret",
    },
  };
  const token = await exportThrough(service, membrane.export, { uri: target.url, hmac });
  await using connection = await openRawConnection(service.port);
  const headers = ["Content-Length: 6", "Expect: 100-continue"];
  connection.send(requestHead(token, { line: "POST / HTTP/1.1", headers }));
  await connection.until((text) => text.includes("100 Continue"));
  connection.send("before".slice(0, 5));
  expectStatus(await call(other, membrane.revoke), 202);
  connection.send("e");
  await connection.until((text) => text.includes(" 401 "));
  expect(target.received()).toBe("");
});

/** An engine whose revocation log's position can become unknown, as over a network. */
function forgetfulEngine() {
  let log: DelayedSource | undefined;
  return {
    log: () => log!,
    async open(options: LmdbEngineOptions): Promise<Engine> {
      const engine = await openLmdbEngine(options);
      log = delayLog({
        position: () => engine.position()!,
        revocationsSince: engine.revocationsSince,
      });
      return { ...engine, ...log };
    },
  };
}

test("when the log's position is unknown at the first byte, the request is refused and not a byte is sent to the target", async () => {
  // While a request is in flight, the watcher reads the log five times a second: of its reads none is counted below.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const [lookup, { open, log }] = [promisedName(), forgetfulEngine()];
  await using service = await startTestService({ lookup: lookup.lookup, engine: open });
  const membrane = await createMembrane(service, service.tokens.create, "m");
  const uri = `http://late.example:${target.port}/`;
  const token = await exportThrough(service, membrane.export, {
    uri,
    headers: { Authorization: "Bearer a" },
  });
  const response = call(service, token);
  await lookup.asked();
  log().forget();
  lookup.find();
  expect(await response).toMatchObject({ status: 503, json: { code: "store_unavailable" } });
  expect(target.received()).toBe("");
  expect(log().pendingReads()).toBe(0);
});

test("a request that arrives while the log's position is unknown waits until it is known, and is then resolved", async () => {
  await using target = await startRawTarget(rawResponder(OK_RESPONSE));
  const { open, log } = forgetfulEngine();
  await using service = await startTestService({ engine: open });
  const [kept, revoked] = [
    await createMembrane(service, service.tokens.create, "kept"),
    await createMembrane(service, service.tokens.create, "revoked"),
  ];
  const tokens = [
    await exportThrough(service, kept.export, { uri: target.url }),
    await exportThrough(service, revoked.export, { uri: target.url }),
  ];
  for (const token of tokens) expect((await call(service, token)).status).toBe(200);
  const before = target.received();
  const { store, vault } = service.data;
  const { capability } = (await vault.open(revoked.revoke as never))!;
  log().forget();
  await store.revoke(capability.resource!, capability.uid);
  const responses = tokens.map((token) => call(service, token));
  await expect.poll(() => log().pendingReads()).toBe(tokens.length);
  expect(target.received()).toBe(before);
  await log().respondToAll();
  expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 401]);
});
