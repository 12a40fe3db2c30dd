import { FORWARDABLE_METHODS } from "capability-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  call,
  createMembrane,
  expectStatus,
  exportThrough,
  tokenOf,
  uriOf,
} from "../../../testkit/src/client.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { createTenantFixture, startEcho, tenantView } from "../support/tenant-fixture.ts";
import type { HeldCapabilityName, TenantFixture } from "../support/tenant-fixture.ts";

/*
 * Capabilities that one tenant delegates to another: the delegate can use them, and the delegator can end them.
 * cross-tenant-access.test.ts tests what a tenant can do with its own capabilities.
 */

const METHODS = [...FORWARDABLE_METHODS, "TRACE"];

let service: TestService;
let target: TestTarget;
let ownTarget: TestTarget;
let tenants = 0;
beforeAll(async () => {
  service = await startTestService();
  [target, ownTarget] = await Promise.all([startEcho(), startEcho()]);
});
afterAll(async () => {
  await service.close();
  for (const each of [target, ownTarget]) await each[Symbol.asyncDispose]();
});

/** Makes a tenant that delegates, a delegate, and the capability that ends the delegation. */
async function lend(name: HeldCapabilityName) {
  tenants += 1;
  const lender = await createTenantFixture(service, target, `lender${tenants}`);
  const borrower = await createTenantFixture(service, ownTarget, `borrower${tenants}`);
  const reexport = (through: string, token: string): Promise<string> =>
    exportThrough(service, through, { capability: uriOf(service, token) });
  const lent = await reexport(lender.lending.export, lender.tokens[name]);
  const passedOn = await reexport(borrower.lending.export, lent);
  return { lender, borrower, lent, passedOn };
}

/** Uses of a delegated capability, which have the same results as with the delegator's. */
const USES: Readonly<
  Record<
    "create" | "query" | "export" | "exported",
    (lent: string, lender: TenantFixture) => Promise<string[]>
  >
> = {
  create: async (lent, lender) => {
    const made = await createMembrane(service, lent, `made with ${lent.slice(-8)}`);
    const seen = await call(service, lender.tokens.query, { path: "/?limit=1000" });
    expect(seen.text).toContain(made.export);
    return [made.export, await exportThrough(service, made.export, { uri: target.url })];
  },
  query: async (lent, lender) => {
    const path = "/?limit=1000";
    const own = expectStatus(await call(service, lender.tokens.query, { path }), 200).json.membranes;
    const seen = expectStatus(await call(service, lent, { path }), 200).json.membranes;
    const idsOf = (membranes: { id: string }[]): string[] => membranes.map(({ id }) => id);
    expect(idsOf(seen)).toEqual(idsOf(own));
    expect(leakedTokens(JSON.stringify(seen), lender)).toEqual([]);
    return seen.map(({ capabilities }: { capabilities: { export: string } }) => tokenOf(capabilities.export));
  },
  export: async (lent) => {
    const made = await exportThrough(service, lent, { uri: `${target.url}made-with-lent` });
    expect(await call(service, made)).toMatchObject({ status: 200, text: "GET /made-with-lent undefined" });
    return [made];
  },
  exported: async (lent, lender) => {
    const own = await call(service, lender.tokens.exported, { method: "PATCH" });
    expect(await call(service, lent, { method: "PATCH" })).toMatchObject({ status: 200, text: own.text });
    return [];
  },
};

function leakedTokens(text: string, { tokens }: TenantFixture): readonly string[] {
  return Object.values(tokens).filter((token) => text.includes(token));
}

async function statusOf(token: string): Promise<number> {
  // Any working capability refuses the path.
  return (await call(service, token, { path: "/x" })).status;
}

test.each(["create", "query", "export", "exported"] as const)(
  "a delegate with %s can use it like its owner, ends nothing of the owner with it, and has it until the owner ends it",
  async (name) => {
    const { lender, borrower, lent, passedOn } = await lend(name);
    const before = await tenantView(service, lender);
    const made = [...(await USES[name](lent, lender)), ...(await USES[name](passedOn, lender))];

    // The delegate can end only what it has delegated further.
    expectStatus(await call(service, borrower.lending.revoke, { method: "POST" }), 202);
    expect(await statusOf(passedOn)).toBe(401);
    expect(await statusOf(lent)).toBe(404);
    for (const method of METHODS) expect((await call(service, lent, { method })).status).not.toBe(202);
    expectStatus(await call(service, borrower.tokens.deleteSelf, { method: "POST" }), 202);
    expect(await statusOf(lent)).toBe(404);
    const without = (view: readonly string[]): string[] => view.filter((line) => !line.includes("made with"));
    expect(without(await tenantView(service, lender))).toEqual(without(before));

    const stays = made.length === 0 ? [] : made.slice(0, made.length / 2);
    for (const token of stays) expect(await statusOf(token)).toBe(404);
    expectStatus(await call(service, lender.lending.revoke, { method: "POST" }), 202);
    for (const token of [lent, passedOn, ...made]) expect(await statusOf(token)).toBe(401);
    expect(await statusOf(lender.tokens[name])).toBe(404);
  },
);

test.each(["revoke", "deleteSelf"] as const)(
  "a delegate with %s can end with it what the owner can, and nothing else",
  async (name) => {
    const { lender, borrower, lent, passedOn } = await lend(name);
    const bystander = await createTenantFixture(service, target, `bystander${tenants}`);
    const seen = await tenantView(service, bystander);
    const own = await tenantView(service, borrower);
    expect(await statusOf(lender.tokens.exported)).toBe(404);
    expectStatus(await call(service, passedOn, { method: "POST" }), 202);
    expect(await statusOf(lender.tokens.exported)).toBe(401);
    expect(await statusOf(lender.tokens.create)).toBe(name === "revoke" ? 404 : 401);
    expect(await statusOf(lent)).toBe(name === "revoke" ? 404 : 401);
    expect(await tenantView(service, borrower)).toEqual(own);
    expect(await tenantView(service, bystander)).toEqual(seen);
  },
);

test.each(["revoke", "deleteSelf"] as const)(
  "a delegated %s that its owner has ended ends nothing",
  async (name) => {
    const { lender, lent, passedOn } = await lend(name);
    expectStatus(await call(service, lender.lending.revoke, { method: "POST" }), 202);
    const before = await tenantView(service, lender);
    for (const token of [lent, passedOn]) {
      for (const method of ["GET", "POST", "DELETE"])
        expect(await call(service, token, { method })).toMatchObject({ status: 401 });
    }
    expect(await tenantView(service, lender)).toEqual(before);
  },
);
