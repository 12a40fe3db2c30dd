import { expect, test } from "vitest";
import { parseToken } from "capability-protocol";
import { call, createMembrane, exportThrough, tokenOf, uriOf } from "../../../testkit/src/client.ts";
import { rewriteRecord } from "../../../testkit/src/changed-records.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import type { TestService } from "../../../testkit/src/service.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { decodeColumns, encodeColumns, textColumn } from "../../src/store/codec/columns.ts";
import { associatedData } from "../../src/store/record.ts";
import { seal, unseal } from "../../src/store/seal.ts";
import { fingerprint } from "../../src/telemetry/fingerprint.ts";

const TOO_NEW = { status: 503, json: { code: "record_too_new" } };

/** Changes to a record's columns that a newer program could make, one in each row. */
const NEWER: readonly (readonly [string, (columns: Buffer[]) => readonly Buffer[]])[] = [
  ["a newer version", ([, ...rest]) => [Buffer.from([9]), ...rest]],
  ["a longer version", ([version, ...rest]) => [Buffer.from([...version!, 0]), ...rest]],
  ["an unknown column", (columns) => [...columns, textColumn("more")]],
  ["an unknown type", ([version, , ...rest]) => [version!, textColumn("policy"), ...rest]],
];

async function open(service: TestService, token: string) {
  return (await service.data.vault.open(parseToken(token)!))!;
}

test.each(NEWER)(
  "a capability whose record has %s is a 503 that is logged, and everything else works, also revokes and sweeps",
  async (_name, change) => {
    await using target = await startTarget();
    await using service = await startTestService();
    const { create, query } = service.tokens;
    const membrane = await createMembrane(service, create, "membrane");
    const [newer, other] = [
      await exportThrough(service, membrane.export, { uri: target.url }),
      await exportThrough(service, membrane.export, { uri: target.url }),
    ];
    const ofNewer = await exportThrough(service, membrane.export, { capability: uriOf(service, newer) });
    const { uid } = (await open(service, newer)).capability;
    await rewriteRecord(service, uid, change);

    expect(await call(service, newer)).toMatchObject(TOO_NEW);
    expect(await call(service, ofNewer)).toMatchObject(TOO_NEW);
    expect(service.logged()).toContain(`"record":"${fingerprint(uid)}","msg":"record too new"`);
    expect(await call(service, other)).toMatchObject({ status: 200 });
    expect(await call(service, query, { path: "/?limit=9" })).toMatchObject({
      json: { membranes: [{ id: "membrane" }], completed: true },
    });
    await exportThrough(service, membrane.export, { uri: target.url });

    expect(await call(service, membrane.revoke, { method: "DELETE" })).toMatchObject({ status: 202 });
    for (let more = true; more;) ({ more } = await service.data.store.sweep(3));
    expect(await call(service, newer)).toMatchObject(TOO_NEW);
    for (const token of [other, membrane.export]) {
      expect(await call(service, token)).toMatchObject({ status: 401 });
    }
    await using raw = await openRawStore(service.directory);
    // The revoked membrane, its revoke capability, and the record that only a newer program can remove.
    const left = (await raw.rows("nodes")).map(({ key }) => key.toString("hex"));
    expect(left.filter((one) => one === uid)).toEqual([uid]);
    expect(await raw.rows("sweep")).toEqual([]);
  },
);

test.each(NEWER)(
  "a membrane whose record has %s is a 503, and its tenant's other membranes work",
  async (_name, change) => {
    await using service = await startTestService();
    const { create, query, provision } = service.tokens;
    const newer = await createMembrane(service, create, "b newer");
    for (const id of ["a", "c"]) await createMembrane(service, create, id);
    const second = await call(service, provision, { body: { id: "second" } });
    const delegation = await createMembrane(service, tokenOf(second.json.capabilities.create), "delegation");
    const delegated = await exportThrough(service, delegation.export, { capability: uriOf(service, query) });
    await rewriteRecord(service, (await open(service, newer.export)).capability.resource!, change);

    for (const token of [newer.export, newer.revoke]) {
      expect(await call(service, token, { method: "POST" })).toMatchObject(TOO_NEW);
    }
    for (const token of [query, delegated]) {
      const { json } = await call(service, token, { path: "/?limit=9" });
      expect(json).toMatchObject({ membranes: [{ id: "a" }, { id: "c" }], completed: true });
    }
    // This program treats its name as taken.
    expect(await call(service, create, { body: { id: "b newer" } })).toMatchObject(TOO_NEW);
    await createMembrane(service, create, "d");
    expect(await service.data.store.tenants()).toHaveLength(2);
  },
);

test("a tenant whose record has a newer version is a 503, and the other tenants work", async () => {
  await using service = await startTestService();
  const second = await call(service, service.tokens.provision, { body: { id: "second" } });
  const create = tokenOf(second.json.capabilities.create);
  await rewriteRecord(service, (await open(service, create)).capability.resource!, ([, ...rest]) => [
    Buffer.from([9]),
    ...rest,
  ]);
  expect(await call(service, create, { body: { id: "m" } })).toMatchObject(TOO_NEW);
  expect(await service.data.store.tenants()).toMatchObject([{ name: "default" }]);
  await createMembrane(service, service.tokens.create, "m");
  expect(await call(service, service.tokens.provision, { body: { id: "third" } })).toMatchObject({
    status: 201,
  });
});

test("a capability with a limit that this program does not know is a 503 that is logged, and nothing is sent", async () => {
  await using target = await startTarget();
  await using service = await startTestService();
  const membrane = await createMembrane(service, service.tokens.create, "membrane");
  const body = { uri: target.url, limits: { ttlMs: 60_000 } };
  const token = await exportThrough(service, membrane.export, body);
  const { capability } = await open(service, token);
  const { sealingKey } = service.data.keys.deriveTokenKeys(parseToken(token)!);
  const bound = associatedData({ ...capability, version: 2 });
  await rewriteRecord(service, capability.uid, (columns) => {
    const [secret, label, nodes] = decodeColumns(unseal(sealingKey, columns.at(-1)!, bound));
    const [uid, createdAt, limits] = decodeColumns(decodeColumns(nodes!)[0]!);
    const more = encodeColumns([...decodeColumns(limits!), textColumn("more")]);
    const payload = [secret!, label!, encodeColumns([encodeColumns([uid!, createdAt!, more])])];
    return [...columns.slice(0, -1), seal(sealingKey, encodeColumns(payload), bound)];
  });

  expect(await call(service, token)).toMatchObject(TOO_NEW);
  const reexport = { body: { capability: uriOf(service, token) } };
  expect(await call(service, membrane.export, reexport)).toMatchObject(TOO_NEW);
  expect(service.logged()).toContain('"reason":"record_too_new"');
  expect(target.requests).toHaveLength(0);
  expect(await call(service, membrane.revoke, { method: "DELETE" })).toMatchObject({ status: 202 });
  expect(await call(service, token)).toMatchObject({ status: 401 });
});
