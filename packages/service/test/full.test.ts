import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createMembrane, exportThrough, uriOf } from "../src/testkit/client.ts";
import { openRawStore } from "../src/testkit/raw-store.ts";
import { startTestService } from "../src/testkit/service.ts";
import type { TestService } from "../src/testkit/service.ts";
import { startTarget } from "../src/testkit/target.ts";
import type { TestTarget } from "../src/testkit/target.ts";

/* How much may be made: somebody with one capability must not be able to fill the disk. */

let service: TestService;
let target: TestTarget;
beforeAll(async () => {
  service = await startTestService({ limits: { capabilitiesPerMembrane: 3, membranesPerTenant: 8 } });
  target = await startTarget();
});
afterAll(async () => {
  await service.close();
  await target[Symbol.asyncDispose]();
});

test("a membrane that is full is a 409 that says what to do, to its delegates too; what is in it works, others take in, and it can be revoked", async () => {
  const full = await createMembrane(service, service.tokens.create, "full");
  const other = await createMembrane(service, service.tokens.create, "other");
  const uri = { uri: target.url };
  const door = await exportThrough(service, full.export, uri);
  const delegated = await exportThrough(service, full.export, { capability: uriOf(service, full.export) });
  await exportThrough(service, delegated, uri);
  for (const exporting of [full.export, delegated]) {
    for (const body of [uri, { capability: uriOf(service, door) }]) {
      expect(await call(service, exporting, { body })).toMatchObject({
        status: 409,
        json: {
          error: "Conflict",
          code: "membrane_full",
          message: expect.stringMatching(/^3 .*make another/),
        },
      });
    }
  }
  expect(await call(service, door)).toMatchObject({ status: 200, text: "ok" });
  await exportThrough(service, other.export, uri);
  expect(await call(service, full.revoke)).toMatchObject({ status: 202 });
  expect(await call(service, door)).toMatchObject({ status: 401 });
});

test("a tenant that is full is a 409 that says what to do; other tenants make membranes, and a revoke makes room", async () => {
  const provisioned = await call(service, service.tokens.provision, { body: { id: "small" } });
  const create: string = provisioned.json.capabilities.create.split("#")[1];
  const membranes = [];
  for (let i = 0; i < 8; i += 1) membranes.push(await createMembrane(service, create, `m${i}`));
  expect(await call(service, create, { body: { id: "m8" } })).toMatchObject({
    status: 409,
    json: { code: "tenant_full", message: expect.stringMatching(/^There are 8 .*revoke/) },
  });
  await createMembrane(service, service.tokens.create, "m8");
  await call(service, membranes[0]!.revoke);
  await createMembrane(service, create, "m8");
  expect(await call(service, create, { body: { id: "m9" } })).toMatchObject({ status: 409 });
});

test("a count that was changed on disk is counted anew: it lets in no more, and holds up no revoke", async () => {
  const membrane = await createMembrane(service, service.tokens.create, "changed");
  for (let i = 0; i < 3; i += 1) await exportThrough(service, membrane.export, { uri: target.url });
  await using raw = openRawStore(service.directory);
  for (const { key, value } of raw.rows("counts")) {
    const changed = Buffer.from(value);
    changed[7]! ^= 1;
    await raw.write("counts", key, changed);
  }
  expect(await call(service, membrane.export, { body: { uri: target.url } })).toMatchObject({
    status: 409,
    json: { code: "membrane_full" },
  });
  expect(await call(service, membrane.revoke)).toMatchObject({ status: 202 });
});
