import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { ServiceKind } from "../../src/domain/capability.ts";
import { createTenant, reissueTenant } from "../../src/management/tenants.ts";
import type { OpenEngine } from "../../src/commands/directory-place.ts";
import { openLmdbEngine } from "../../src/store/lmdb/engine.ts";
import type { CallResponse } from "../../../testkit/src/client.ts";
import { call, createMembrane, exportThrough, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { asTestOperator, startTestService } from "../../../testkit/src/service.ts";

/* Every record counts against an owner: a kind of record without a quota could fill the disk with one capability. */

/** A tenant with a membrane, and capabilities to delegate. */
interface Owner {
  readonly id: string;
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
  readonly export: string;
  readonly revoke: string;
  readonly exported: string;
}

const URI = "https://target.test/";
const MOST = 40;

const LIMITS = {
  maxCapabilitiesPerMembrane: 7,
  maxMembranesPerTenant: 6,
  maxOwnCapabilitiesPerTenant: 6,
  maxTenants: 8,
};

async function newOwner(service: TestService): Promise<Owner> {
  const id = randomUUID();
  const made = await createTenant(asTestOperator(service.data), id);
  if (!made.ok) throw new Error(`no tenant: ${made.error.reason}`);
  const { create, query, deleteSelf } = made.value;
  const membrane = await createMembrane(service, tokenOf(create), "first");
  const exported = await exportThrough(service, membrane.export, { uri: URI });
  return {
    id,
    create: tokenOf(create),
    query: tokenOf(query),
    deleteSelf: tokenOf(deleteSelf),
    ...membrane,
    exported,
  };
}

/** Delegates a capability through a new membrane of `owner`. */
async function delegate(service: TestService, owner: Owner, token: string): Promise<string> {
  const membrane = await createMembrane(service, owner.create, randomUUID());
  return exportThrough(service, membrane.export, { capability: uriOf(service, token) });
}

/** An operation that can be repeated, and that gets a 409 once its owner is full. */
interface Maker {
  /** Prepares the operation, and returns a function that carries it out once. */
  readonly make: (service: TestService, owner: Owner) => Promise<() => Promise<CallResponse>>;
  /** The error code for a full owner. */
  readonly code: string;
  /** Whether the quota is shared with other owners. Default: it is not, so the operation works for another owner. */
  readonly shared?: boolean;
}

const reexporting = (token: (service: TestService, owner: Owner) => string): Maker => ({
  code: "membrane_quota_exceeded",
  make: async (service, owner) => () =>
    call(service, owner.export, { body: { capability: uriOf(service, token(service, owner)) } }),
});

const listed = async (service: TestService, owner: Owner): Promise<string> => {
  const query = await delegate(service, owner, owner.query);
  const { json } = await call(service, query, { path: "/?id=first" });
  return tokenOf(json.membranes[0].capabilities.export);
};

const creating = (service: TestService, create: string) => () =>
  call(service, create, { body: { id: randomUUID() } });
const exporting = (service: TestService, token: string) => () => call(service, token, { body: { uri: URI } });

/** The operations that create records, by the kind of capability; empty for kinds that create none. */
const MAKERS: Readonly<Record<ServiceKind, Readonly<Record<string, Maker>>>> = {
  provision: {
    provision: {
      code: "service_quota_exceeded",
      shared: true,
      make: async (service) => creating(service, service.tokens.provision),
    },
    "delegated provision": {
      code: "service_quota_exceeded",
      shared: true,
      make: async (service, owner) =>
        creating(service, await delegate(service, owner, service.tokens.provision)),
    },
  },
  create: {
    create: {
      code: "tenant_quota_exceeded",
      make: async (service, owner) => creating(service, owner.create),
    },
    "delegated create": {
      code: "tenant_quota_exceeded",
      make: async (service, owner) => creating(service, await delegate(service, owner, owner.create)),
    },
  },
  export: {
    "export of a target": {
      code: "membrane_quota_exceeded",
      make: async (service, owner) => exporting(service, owner.export),
    },
    "delegated export of a target": {
      code: "membrane_quota_exceeded",
      make: async (service, owner) => exporting(service, await delegate(service, owner, owner.export)),
    },
    "export listed by a delegated query": {
      code: "membrane_quota_exceeded",
      make: async (service, owner) => exporting(service, await listed(service, owner)),
    },
    "export from another authority": {
      code: "membrane_quota_exceeded",
      make: async (service, owner) => () =>
        call(service, owner.export, {
          body: { capability: uriOf({ authority: "other.test" }, owner.exported) },
        }),
    },
    "re-export of provision": reexporting((service) => service.tokens.provision),
    "re-export of create": reexporting((_service, owner) => owner.create),
    "re-export of query": reexporting((_service, owner) => owner.query),
    "re-export of deleteSelf": reexporting((_service, owner) => owner.deleteSelf),
    "re-export of export": reexporting((_service, owner) => owner.export),
    "re-export of revoke": reexporting((_service, owner) => owner.revoke),
    "re-export of an exported capability": reexporting((_service, owner) => owner.exported),
  },
  query: {
    "delegated queries through one membrane": {
      code: "membrane_quota_exceeded",
      // Each query lists one more membrane, for which it makes re-exports.
      make: async (service, owner) => {
        const through = await createMembrane(service, owner.create, "lending");
        const queries: string[] = [];
        for (let i = 0; i < 3; i += 1) {
          queries.push(
            await exportThrough(service, through.export, { capability: uriOf(service, owner.query) }),
          );
        }
        let next = 0;
        return () => call(service, queries[next++ % 3]!, { path: "/?limit=9" });
      },
    },
  },
  deleteSelf: {},
  revoke: {},
};

/** Repeats an operation until it gets a 409, since the owner is full. */
async function fill(act: () => Promise<CallResponse>): Promise<CallResponse> {
  for (let i = 0; i < MOST; i += 1) {
    const response = await act();
    if (response.status >= 400) return response;
  }
  throw new Error("the quota was never reached");
}

const ROWS = Object.values(MAKERS).flatMap((makers) => Object.entries(makers));

test.each(ROWS)(
  "%s counts: a full owner gets a 409 and makes nothing more, and others are served",
  async (_name, maker) => {
    await using service = await startTestService({ limits: LIMITS });
    const [owner, other] = [await newOwner(service), await newOwner(service)];
    const act = await maker.make(service, owner);
    const actElsewhere = await maker.make(service, other);
    expect(await fill(act)).toMatchObject({ status: 409, json: { code: maker.code } });
    await using raw = await openRawStore(service.directory);
    const before = (await raw.rows("nodes")).length;
    for (let i = 0; i < 4; i += 1) await act();
    expect((await raw.rows("nodes")).length).toBe(before);

    // All holders of `provision` share the service's quota of tenants; existing tenants can still create membranes.
    if (maker.shared !== true) expect((await actElsewhere()).status).toBeLessThan(300);
    expect(await call(service, other.create, { body: { id: "more" } })).toMatchObject({ status: 201 });
    expect(await call(service, other.export, { body: { uri: URI } })).toMatchObject({ status: 201 });
    expect(await call(service, owner.query, { path: "/?limit=99" })).toMatchObject({
      status: 200,
      json: { completed: true },
    });
    expect(await call(service, owner.revoke)).toMatchObject({ status: 202 });
  },
);

test("reissues and tenants by the operator also count, and their quotas affect neither the tenant nor others", async () => {
  await using service = await startTestService({ limits: LIMITS });
  const [owner, other] = [await newOwner(service), await newOwner(service)];
  expect(await reissueTenant(asTestOperator(service.data), owner.id)).toMatchObject({ ok: true });
  await using raw = await openRawStore(service.directory);
  const before = (await raw.rows("nodes")).length;
  expect(await reissueTenant(asTestOperator(service.data), owner.id)).toMatchObject({
    ok: false,
    error: { reason: "full", type: "tenant", kind: "ownCapabilities", limit: 6 },
  });
  expect((await raw.rows("nodes")).length).toBe(before);
  expect(await reissueTenant(asTestOperator(service.data), other.id)).toMatchObject({ ok: true });
  expect(await call(service, owner.create, { body: { id: "more" } })).toMatchObject({ status: 201 });
  for (let i = 3; i < LIMITS.maxTenants; i += 1)
    await createTenant(asTestOperator(service.data), randomUUID());
  expect(await createTenant(asTestOperator(service.data), randomUUID())).toMatchObject({
    ok: false,
    error: { reason: "full", type: "service", limit: LIMITS.maxTenants },
  });
  expect(await call(service, owner.deleteSelf)).toMatchObject({ status: 202 });
  expect(await createTenant(asTestOperator(service.data), randomUUID())).toMatchObject({ ok: true });
});

test("revoke, deleteSelf and a tenant's own query make no record", async () => {
  await using service = await startTestService();
  const owner = await newOwner(service);
  await using raw = await openRawStore(service.directory);
  const before = (await raw.rows("nodes")).length;
  for (const token of [owner.query, owner.revoke, owner.revoke, owner.deleteSelf]) {
    expect((await call(service, token)).status).toBeLessThan(300);
  }
  expect((await raw.rows("nodes")).length).toBeLessThanOrEqual(before);
});

test("a page of a delegated query ends before the first membrane without room, and the next page is a 409; listed membranes stay listed", async () => {
  await using service = await startTestService({ limits: { maxCapabilitiesPerMembrane: 6 } });
  const owner = await newOwner(service);
  const lending = await createMembrane(service, owner.create, "lending");
  for (const id of ["a", "b", "c"]) await createMembrane(service, owner.create, id);
  const query = await exportThrough(service, lending.export, { capability: uriOf(service, owner.query) });
  // The query takes one of six places, so there is room for the two capabilities of each of two membranes.
  const page = async (path: string): Promise<CallResponse> => call(service, query, { path });
  const first = await page("/?limit=9");
  expect(first).toMatchObject({ status: 200, json: { completed: false } });
  expect(first.json.membranes.map(({ id }: { id: string }) => id)).toEqual(["a", "b"]);
  expect(await page("/?limit=9&lastId=b")).toMatchObject({
    status: 409,
    json: { code: "membrane_quota_exceeded" },
  });
  expect(await page("/?id=c")).toMatchObject({ status: 409, json: { code: "membrane_quota_exceeded" } });
  expect((await page("/?limit=9")).json).toEqual(first.json);
  const revoke = tokenOf(first.json.membranes[0].capabilities.revoke);
  expect(await call(service, revoke)).toMatchObject({ status: 202 });
});

test("four membranes of a page of a delegated query wait for the disk once, and the next query for none of them", async () => {
  const sizes: number[] = [];
  const open: OpenEngine = async (options) => {
    const engine = await openLmdbEngine(options);
    const write: typeof engine.write = (request, decide) => {
      if (request.class === "create" && request.size.records > 0) sizes.push(request.size.records);
      return engine.write(request, decide);
    };
    return { ...engine, write };
  };
  await using service = await startTestService({ engine: open });
  const owner = await newOwner(service);
  const lending = await createMembrane(service, owner.create, "lending");
  for (const id of ["a", "b", "c"]) await createMembrane(service, owner.create, id);
  const query = await exportThrough(service, lending.export, { capability: uriOf(service, owner.query) });
  sizes.length = 0;
  const first = await call(service, query, { path: "/?limit=4" });
  expect(first.json.membranes).toHaveLength(4);
  // Two capabilities of each.
  expect(sizes).toEqual([8]);
  expect((await call(service, query, { path: "/?limit=4" })).json).toEqual(first.json);
  expect(sizes).toEqual([8]);
});

test("a page of a delegated query makes capabilities in its order, also in a store that writes what comes later first", async () => {
  let delay = 0;
  const open: OpenEngine = async (options) => {
    const engine = await openLmdbEngine(options);
    const write: typeof engine.write = async (request, decide) => {
      if (request.class === "create") delay -= 50;
      await new Promise((resolve) => setTimeout(resolve, Math.max(delay, 0)));
      return engine.write(request, decide);
    };
    return { ...engine, write };
  };
  await using service = await startTestService({ limits: { maxCapabilitiesPerMembrane: 6 }, engine: open });
  const owner = await newOwner(service);
  const lending = await createMembrane(service, owner.create, "lending");
  for (const id of ["a", "b", "c"]) await createMembrane(service, owner.create, id);
  const query = await exportThrough(service, lending.export, { capability: uriOf(service, owner.query) });
  delay = 200;
  const { json } = await call(service, query, { path: "/?limit=9" });
  expect(json.membranes.map(({ id }: { id: string }) => id)).toEqual(["a", "b"]);
});
