import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestTarget } from "../../../testkit/src/target.ts";

/* Quotas: a holder of one capability must not be able to fill the disk. */

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService({ limits: { maxCapabilitiesPerMembrane: 3, maxMembranesPerTenant: 8 } });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

test("a full membrane is a 409 that says what to do, also for delegates; its capabilities work, other membranes accept exports, and it can be revoked", async () => {
  const full = await createMembrane(service, service.tokens.create, "full");
  const other = await createMembrane(service, service.tokens.create, "other");
  const uri = { uri: target.url };
  const token = await exportThrough(service, full.export, uri);
  const delegated = await exportThrough(service, full.export, { capability: uriOf(service, full.export) });
  await exportThrough(service, delegated, uri);
  for (const exporting of [full.export, delegated]) {
    for (const body of [uri, { capability: uriOf(service, token) }]) {
      expect(await call(service, exporting, { body })).toMatchObject({
        status: 409,
        json: {
          error: "Conflict",
          code: "membrane_quota_exceeded",
          message: expect.stringMatching(/limit of 3 capabilities: create another membrane/),
        },
      });
    }
  }
  expect(await call(service, token)).toMatchObject({ status: 200, text: "ok" });
  await exportThrough(service, other.export, uri);
  expect(await call(service, full.revoke)).toMatchObject({ status: 202 });
  expect(await call(service, token)).toMatchObject({ status: 401 });
});

test("a full tenant is a 409 that says what to do; other tenants create membranes, and a revoke makes room", async () => {
  const provisioned = await call(service, service.tokens.provision, { body: { id: "small" } });
  const create: string = provisioned.json.capabilities.create.split("#")[1];
  const membranes = [];
  for (let i = 0; i < 8; i += 1) membranes.push(await createMembrane(service, create, `m${i}`));
  expect(await call(service, create, { body: { id: "m8" } })).toMatchObject({
    status: 409,
    json: { code: "tenant_quota_exceeded", message: expect.stringMatching(/limit of 8 membranes: revoke/) },
  });
  await createMembrane(service, service.tokens.create, "m8");
  await call(service, membranes[0]!.revoke);
  await createMembrane(service, create, "m8");
  expect(await call(service, create, { body: { id: "m9" } })).toMatchObject({ status: 409 });
});

test("a count that was changed on disk is counted again: it allows no more, and prevents no revoke", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "changed");
  for (let i = 0; i < 3; i += 1) await exportThrough(service, membrane.export, { uri: target.url });
  await using raw = await openRawStore(service.directory);
  for (const { key, value } of await raw.rows("counts")) {
    const changed = Buffer.from(value);
    changed[7]! ^= 1;
    await raw.write("counts", key, changed);
  }
  expect(await call(service, membrane.export, { body: { uri: target.url } })).toMatchObject({
    status: 409,
    json: { code: "membrane_quota_exceeded" },
  });
  expect(await call(service, membrane.revoke)).toMatchObject({ status: 202 });
});

const KIB = 1024;

/** Exports targets of a few kilobytes until one is refused. */
async function fillWith(
  of: TestService,
  exporting: string,
): Promise<{ made: number; code: string; message: string }> {
  const uri = `https://example.com/${"a".repeat(3 * KIB)}`;
  for (let made = 0; made < 1_000; made += 1) {
    const { status, json } = await call(of, exporting, { body: { uri } });
    if (status !== 201) return { made, code: json.code, message: json.message };
  }
  throw new Error("the quota was never reached");
}

test("a membrane and a tenant get a 409 when their share of the disk is used up; other tenants are not affected, and a revoke makes room", async () => {
  await using own = await startTestService({
    limits: { storedBytesPerMembrane: 100 * KIB, storedBytesPerTenant: 250 * KIB },
  });
  const { create } = own.tokens;
  const provisioned = await call(own, own.tokens.provision, { body: { id: "other" } });
  const membranes = [];
  for (let i = 0; i < 3; i += 1) membranes.push(await createMembrane(own, create, `m${i}`));
  const [first, second, third] = membranes;
  const full = await fillWith(own, first!.export);
  expect(full).toMatchObject({
    code: "membrane_storage_exceeded",
    message: expect.stringMatching(/storage limit of 102400 bytes: create another membrane/),
  });
  // With overflow pages and rows it is no less than was sent, and no more than three times as much.
  expect(full.made).toBeGreaterThan(8);
  expect(full.made).toBeLessThan(34);
  // A re-export counts against the share, and so does a membrane.
  const small = { capability: uriOf(own, second!.export) };
  const refillWithReexports = async (): Promise<object> => {
    for (let i = 0; i < 1_000; i += 1) {
      const { status, json } = await call(own, first!.export, { body: small });
      if (status !== 201) return json;
    }
    throw new Error("the quota was never reached");
  };
  expect(await refillWithReexports()).toMatchObject({ code: "membrane_storage_exceeded" });
  expect(await fillWith(own, second!.export)).toMatchObject({ code: "membrane_storage_exceeded" });
  expect(await fillWith(own, third!.export)).toMatchObject({
    code: "tenant_storage_exceeded",
    message: expect.stringMatching(/storage limit of 256000 bytes: revoke/),
  });
  await createMembrane(own, tokenOf(provisioned.json.capabilities.create), "m");
  expect(await call(own, first!.revoke)).toMatchObject({ status: 202 });
  const end = Date.now() + 30_000;
  let made = 0;
  while (made === 0 && Date.now() < end) ({ made } = await fillWith(own, third!.export));
  expect(made).toBeGreaterThan(0);
});
