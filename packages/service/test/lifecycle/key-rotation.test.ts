import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { OpenEngine } from "../../src/commands/directory-place.ts";
import { StoreBusyError, StoreFullError } from "../../src/store/store.ts";
import { ENGINES } from "../../../testkit/src/engines.ts";
import { err, ok, parseToken } from "capability-protocol";
import { expect, test } from "vitest";
import { MAX_KEYS_IN_USE } from "../../src/store/keys.ts";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { dropTestKey, rotateTestKey, testKeyUsage } from "../../../testkit/src/rotation.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";
import { createTenantFixture, startEcho, tenantView } from "../support/tenant-fixture.ts";

const STORES = ["lmdb", "postgres"] as const;

type Store = (typeof STORES)[number];

/** A service whose store is closed and opened again with another key. */
interface Rotatable extends AsyncDisposable {
  readonly service: TestService;
  /** Tokens of the first tenant and of the operator. */
  readonly first: TestService["tokens"];
  readonly data: string;
  /** Runs `act` while nothing serves the store. */
  stopped<T>(act: () => Promise<T>): Promise<T>;
  rotate(): Promise<void>;
  /** How many capabilities need each key. */
  usage(): Promise<Readonly<Record<number, number>>>;
}

async function startRotatable(engine: Store, open: OpenEngine = ENGINES[engine]): Promise<Rotatable> {
  const directory = await temporaryDirectory();
  const start = () => startTestService({ directory: directory.path, engine: open });
  let service = await start();
  const first = service.tokens;
  const stopped: Rotatable["stopped"] = async (act) => {
    await service.close();
    try {
      return await act();
    } finally {
      service = await start();
    }
  };
  return {
    get service() {
      return service;
    },
    first,
    data: directory.path,
    stopped,
    rotate: () => stopped(async () => void (await rotateTestKey(directory.path, engine))),
    usage: () => stopped(() => testKeyUsage(directory.path, engine)),
    async [Symbol.asyncDispose]() {
      await service.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Waits until a token that was presented needs the newest key: it is rekeyed in the background. */
function untilRekeyed({ data }: TestService, token: string): Promise<void> {
  const { lookupId } = data.keys.deriveTokenKeys(parseToken(token)!);
  return until("a capability is rekeyed", async () => (await data.store.find(lookupId)) !== undefined);
}

test.each(STORES)(
  "every kind of capability, each delegation and each list is the same after rotations, over %s",
  async (engine) => {
    await using target = await startEcho();
    await using at = await startRotatable(engine);
    const tenant = await createTenantFixture(at.service, target, "a");
    const before = await tenantView(at.service, tenant);
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      await at.rotate();
      expect(await tenantView(at.service, tenant)).toEqual(before);
      // From the cache, and with what was rekeyed meanwhile.
      expect(await tenantView(at.service, tenant)).toEqual(before);
    }
    const lines = (await readFile(join(at.data, "service.key"), "utf8")).trim().split("\n");
    expect(new Set(lines).size).toBe(4);
  },
);

test.each(STORES)(
  "a capability needs the old key until it is presented, and the new one from then on, over %s",
  async (engine) => {
    await using target = await startEcho();
    await using at = await startRotatable(engine);
    const tenant = await createTenantFixture(at.service, target, "a");
    const made = Object.values(await at.usage()).reduce((sum, count) => sum + count);
    await at.rotate();
    expect(await at.usage()).toEqual({ 1: made, 2: 0 });

    await tenantView(at.service, tenant);
    const { tokens } = tenant;
    for (const token of Object.values(tokens)) {
      await call(at.service, token, { method: "PUT" });
      await untilRekeyed(at.service, token);
    }
    const presented = made - (await at.usage())[1]!;
    // Listing with a delegated query also presents what it derives.
    expect(presented).toBeGreaterThanOrEqual(Object.keys(tokens).length);
    expect((await at.usage())[1]).toBeGreaterThanOrEqual(Object.keys(at.first).length);

    // What is made now needs the new key alone.
    const { 1: old, 2: recent } = await at.usage();
    await createMembrane(at.service, tokens.create, "made later");
    expect(await at.usage()).toEqual({ 1: old, 2: recent! + 2 });
  },
);

test.each(STORES)(
  "tokens of each key end what descends from them, and a rekeyed capability is not revived, over %s",
  async (engine) => {
    await using target = await startEcho();
    await using at = await startRotatable(engine);
    const { create } = at.first;
    const make = async (name: string) => {
      const membrane = await createMembrane(at.service, create, name);
      const token = await exportThrough(at.service, membrane.export, { uri: target.url });
      const lent = await exportThrough(at.service, membrane.export, {
        capability: uriOf(at.service, token),
      });
      return { ...membrane, tokens: [token, lent] };
    };
    const statuses = async (tokens: readonly string[]) =>
      Promise.all(tokens.map(async (token) => (await call(at.service, token)).status));
    const [revoked, byOld, byRekeyed] = [await make("revoked"), await make("old"), await make("rekeyed")];
    expectStatus(await call(at.service, revoked.revoke, { method: "DELETE" }), 202);
    await at.rotate();
    expect(await statuses(revoked.tokens)).toEqual([401, 401]);

    // By the token under the old key, before and after its dependents are rekeyed.
    expect(await statuses([...byOld.tokens, ...byRekeyed.tokens])).toEqual([200, 200, 200, 200]);
    expectStatus(await call(at.service, byOld.revoke, { method: "DELETE" }), 202);
    for (const token of byRekeyed.tokens) await untilRekeyed(at.service, token);
    expectStatus(await call(at.service, byRekeyed.revoke, { method: "DELETE" }), 202);
    const byNew = await make("new");
    expectStatus(await call(at.service, byNew.revoke, { method: "DELETE" }), 202);
    const ended = [revoked, byOld, byRekeyed, byNew].flatMap(({ tokens }) => tokens);
    expect(new Set(await statuses(ended))).toEqual(new Set([401]));
    await at.rotate();
    expect(new Set(await statuses(ended))).toEqual(new Set([401]));
    expect(target.requests).toHaveLength(4);
  },
);

test.each(STORES)("uses are counted on across rotations and rekeyings, over %s", async (engine) => {
  await using target = await startEcho();
  await using at = await startRotatable(engine);
  const membrane = await createMembrane(at.service, at.first.create, "m");
  const token = await exportThrough(at.service, membrane.export, {
    uri: target.url,
    limits: { maxUses: 3 },
  });
  for (let use = 0; use < 3; use += 1) {
    expectStatus(await call(at.service, token), 200);
    await untilRekeyed(at.service, token);
    await at.rotate();
  }
  expectStatus(await call(at.service, token), 401);
  expect(target.requests).toHaveLength(3);
});

test.each(STORES)(
  "a key is dropped only with the number of capabilities that are forgotten, and exactly these are, over %s",
  async (engine) => {
    await using target = await startEcho();
    await using at = await startRotatable(engine);
    const { create } = at.first;
    const membrane = await createMembrane(at.service, create, "m");
    const uri = target.url;
    const [presented, unpresented] = [
      await exportThrough(at.service, membrane.export, { uri }),
      await exportThrough(at.service, membrane.export, { uri }),
    ];
    const below = await exportThrough(at.service, membrane.export, {
      capability: uriOf(at.service, unpresented),
    });
    await at.rotate();
    for (const token of [presented, below]) {
      expectStatus(await call(at.service, token), 200);
      await untilRekeyed(at.service, token);
    }
    const forgets = (await at.usage())[1]!;
    // The first tenant's and the operator's, the two of the membrane, and the export that was not presented.
    expect(forgets).toBe(4 + 2 + 1);
    const drop = (key: number, count: number) => at.stopped(() => dropTestKey(at.data, key, count, engine));
    for (const count of [0, forgets - 1, forgets + 1])
      expect(await drop(1, count)).toEqual(err({ reason: "other_count", forgets }));
    expect(await drop(2, 0)).toEqual(err({ reason: "in_use" }));
    expect(await drop(3, 0)).toEqual(err({ reason: "unknown" }));
    expect(await at.usage()).toEqual({ 1: forgets, 2: 2 });

    expect(await drop(1, forgets)).toEqual(ok(undefined));
    expect(await at.usage()).toEqual({ 2: 2 });
    for (const token of [unpresented, membrane.export, membrane.revoke, ...Object.values(at.first)])
      expect((await call(at.service, token)).status).toBe(401);
    // What was re-exported is a capability for itself.
    for (const token of [presented, below]) expectStatus(await call(at.service, token), 200);
    // The operator still ends them, after another start too.
    await at.rotate();
    expectStatus(await call(at.service, below), 200);
    const [tenant] = await at.service.data.store.tenants();
    await at.service.data.store.revoke(tenant!.uid, "operator");
    for (const token of [presented, below]) expect((await call(at.service, token)).status).toBe(401);
  },
);

test.each(STORES)(
  "a delegated query finds what it has made, and makes anew what was forgotten, over %s",
  async (engine) => {
    await using target = await startEcho();
    let isLate = false;
    await using at = await startRotatable(engine, async (options) => {
      const opened = await ENGINES[engine](options);
      return {
        ...opened,
        write: (request, decide) =>
          isLate && request.class === "create" && request.replaces !== undefined
            ? Promise.reject(new StoreBusyError("late"))
            : opened.write(request, decide),
      };
    });
    const tenant = await createTenantFixture(at.service, target, "a");
    const query = tenant.tokens["delegated query"];
    const list = async () => expectStatus(await call(at.service, query, { path: "/?limit=9" }), 200).json;
    const before = await list();
    const records = async () => Object.values(await at.usage()).reduce((sum, count) => sum + count);
    const made = await records();
    await at.rotate();
    expect(await list()).toEqual(before);
    expect(await records()).toBe(made);

    // Of a membrane whose own tokens are not forgotten. Of the two that were made for it one is.
    await at.rotate();
    const id = tenant.ids[1];
    const listed = before.membranes.find((membrane: { id: string }) => membrane.id === id);
    const { export: exporting, revoke } = tenant.tokens;
    for (const token of [query, exporting, revoke, tokenOf(listed.capabilities.export)]) {
      await call(at.service, token, { method: "PUT" });
      await untilRekeyed(at.service, token);
    }
    const usage = await at.usage();
    for (const key of [1, 2])
      expect(await at.stopped(() => dropTestKey(at.data, key, usage[key]!, engine))).toEqual(ok(undefined));
    await at.rotate();
    const left = await records();
    const gone = { method: "PUT" };
    // What is there is still to be rekeyed when the other one is made.
    isLate = true;
    expectStatus(await call(at.service, tokenOf(listed.capabilities.revoke), gone), 401);
    expect((await list()).membranes).toEqual([listed]);
    expectStatus(await call(at.service, tokenOf(listed.capabilities.export), { body: {} }), 400);
    expectStatus(await call(at.service, tokenOf(listed.capabilities.revoke), gone), 405);
    // The one that is there under the older key is not made a second time.
    expect(await records()).toBe(left + 1);
  },
);

test.each(STORES)("five keys are not needed at once: one must be dropped first, over %s", async (engine) => {
  await using at = await startRotatable(engine);
  for (let rotation = 1; rotation < MAX_KEYS_IN_USE; rotation += 1) await at.rotate();
  await expect(at.rotate()).rejects.toThrow("the store needs too many keys");
  expect(await at.usage()).toEqual({ 1: 4, 2: 0, 3: 0, 4: 0 });
  expect(await at.stopped(() => dropTestKey(at.data, 2, 0, engine))).toEqual(ok(undefined));
  await at.rotate();
  expect(await at.usage()).toEqual({ 1: 4, 3: 0, 4: 0, 5: 0 });
  expectStatus(await call(at.service, at.first.query), 200);
});

test.each(STORES)(
  "while the store has no space a request with an older token succeeds, and the next one with space rekeys it, over %s",
  async (engine) => {
    let isFull = false;
    await using target = await startEcho();
    await using at = await startRotatable(engine, async (options) => {
      const opened = await ENGINES[engine](options);
      return {
        ...opened,
        write: (request, decide) =>
          isFull && request.class === "create"
            ? Promise.reject(new StoreFullError("ENOSPC"))
            : opened.write(request, decide),
      };
    });
    const membrane = await createMembrane(at.service, at.first.create, "m");
    const token = await exportThrough(at.service, membrane.export, { uri: target.url });
    await at.rotate();
    isFull = true;
    for (let use = 0; use < 5; use += 1) expectStatus(await call(at.service, token), 200);
    const { lookupId } = at.service.data.keys.deriveTokenKeys(parseToken(token)!);
    expect(await at.service.data.store.find(lookupId)).toBeUndefined();
    isFull = false;
    await until("the capability is rekeyed", async () => {
      expectStatus(await call(at.service, token), 200);
      return (await at.service.data.store.find(lookupId)) !== undefined;
    });
    expect(at.service.logged()).not.toContain('"fault"');
  },
);
