import { join } from "node:path";
import { parseToken, readTargetUri } from "capability-protocol";
import { expect, test } from "vitest";
import type { CallOptions } from "../../../testkit/src/client.ts";
import { call, createMembrane, exportThrough, uriOf } from "../../../testkit/src/client.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { decodeColumns } from "../../src/store/codec/columns.ts";
import { expectAll, FIXTURES, layoutOf, noAddress, restoreFixture } from "../support/fixture-data.ts";
import { writeStoreFixture } from "../support/store-fixture.ts";

async function expectUsable(fixture: string): Promise<void> {
  await using data = await restoreFixture(fixture);
  const { tokens } = data;
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  await expectAll(service, tokens);

  const { json } = await call(service, tokens.query, { path: "/?limit=9" });
  expect(json).toMatchObject({ membranes: [{ id: "alpha" }], completed: true });
  const again = await call(service, tokens["gamma of query"], { path: "/?limit=9" });
  expect(again.json.membranes[0].capabilities.export).toContain(tokens["delegated alpha export"]);
  const content = async (token: string) =>
    (await service.data.vault.open(parseToken(token)!))?.target?.content;
  expect(await content(tokens["gamma of plain"])).toMatchObject({
    kind: "configured",
    configuration: {
      uri: readTargetUri("http://canary-host-4d0b.test:9/canary-path-91aa?canary-query-77c1=1"),
      headers: [
        ["X-Canary-Name-3f", "canary-header-value-c2e4"],
        ["Cookie", "session=canary-cookie-0d1f"],
      ],
      timeoutMs: 30_000,
    },
  });
  expect(await content(tokens.aws4)).toMatchObject({
    configuration: { hmac: { scheme: "aws4-hmac-sha256" } },
  });
  expect(await content(tokens.cap1)).toMatchObject({
    configuration: { hmac: { scheme: "cap1-hmac-sha512" } },
  });
  expect(await content(tokens.tls)).toMatchObject({ configuration: { tls: { cert: expect.any(String) } } });
  expect(await content(tokens.foreign)).toMatchObject({ capability: { authority: "canary-host-4d0b.test" } });

  // Old and new records are in one lineage.
  const child = await exportThrough(service, tokens["gamma export"], {
    capability: uriOf(service, tokens.plain),
  });
  expect(await call(service, child)).toMatchObject({ status: 502 });
  const membrane = await createMembrane(service, tokens["gamma of create"], "made by an old delegation");
  await exportThrough(service, membrane.export, { uri: "https://example.com/" });

  for (const name of ["beta revoke", "swept revoke", "gamma of alpha revoke"] as const) {
    expect(await call(service, tokens[name], { method: "DELETE" })).toMatchObject({ status: 202 });
  }
  for (const token of [child, tokens.plain, tokens.foreign]) {
    expect(await call(service, token)).toMatchObject({ status: 401 });
  }
  for (const name of ["deleteSelf", "second deleteSelf"] as const) {
    expect(await call(service, tokens[name], { method: "DELETE" })).toMatchObject({ status: 202 });
  }
  for (let more = true; more;) ({ more } = await service.data.store.sweep(100));
  await using raw = await openRawLmdb(data.path);
  // The two tenants, and the operator's capability.
  expect(await raw.rows("nodes")).toHaveLength(3);
}

test.each(["store-records-1", "store-records-2", "store-records-3"])(
  "everything in %s works as before, and can be re-exported, revoked and swept",
  async (name) => {
    await expectUsable(join(FIXTURES, name));
  },
);

test("the openings and the limits in store-records-3 hold as they were written", async () => {
  await using data = await restoreFixture(join(FIXTURES, "store-records-3"));
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  const tokens: Readonly<Record<string, string>> = data.tokens;
  const statusOf = async (name: string, options: CallOptions): Promise<number> =>
    (await call(service, tokens[name]!, options)).status;
  expect(await statusOf("open target", { path: "/deeper?a=1", headers: { "x-open": "1" } })).toBe(502);
  expect(await statusOf("open target", { path: "/deeper?b=1" })).toBe(403);
  expect(await statusOf("plain", { path: "/deeper" })).toBe(404);
  const content = (await service.data.vault.open(parseToken(tokens["gamma limited plain"]!)!))?.capability;
  expect(content).toMatchObject({ expiresAt: Date.parse("2999-12-31T23:59:59Z") });
});

test("the same holds for a store of this version, which will be the next fixture", async () => {
  await using directory = await temporaryDirectory();
  await writeStoreFixture(directory.path);
  await expectUsable(directory.path);
});

test("the program that wrote an older store can open it until this program writes a record", async () => {
  await using data = await restoreFixture(join(FIXTURES, "store-records-1"));
  {
    await using service = await startTestService({ directory: data.path, lookup: noAddress });
    await expectAll(service, data.tokens);
    await call(service, data.tokens["alpha revoke"], { method: "DELETE" });
    expect(await layoutOf(data.path)).toBe(1);
    await createMembrane(service, data.tokens.create, "new");
    expect(await layoutOf(data.path)).toBe(2);
  }
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  await createMembrane(service, data.tokens.create, "after a restart");
});

test("records are upgraded one by one: an existing target keeps its version, and a new one has the new version", async () => {
  await using data = await restoreFixture(join(FIXTURES, "store-records-1"));
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  await exportThrough(service, data.tokens["alpha export"], { uri: "https://example.com/" });
  await using raw = await openRawLmdb(data.path);
  const versions = (await raw.rows("nodes"))
    .map(({ value }) => decodeColumns(value.subarray(0, -32)))
    .filter(([, type]) => type!.toString() === "target")
    .map(([version]) => version![0]);
  expect(versions.filter((version) => version === 2)).toHaveLength(1);
  expect(new Set(versions)).toEqual(new Set([1, 2]));
});

test("a capability keeps its version, and only one with limits or a label has the new version", async () => {
  await using data = await restoreFixture(join(FIXTURES, "store-records-2"));
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  const versions = async (): Promise<readonly (number | undefined)[]> => {
    await using raw = await openRawLmdb(data.path);
    return (await raw.rows("nodes"))
      .map(({ value }) => decodeColumns(value.subarray(0, -32)))
      .filter(([, type]) => type!.toString() === "capability")
      .map(([version]) => version![0]);
  };
  const { tokens } = data;
  const capability = uriOf(service, tokens.plain);
  await exportThrough(service, tokens["alpha export"], { capability });
  await exportThrough(service, tokens["alpha export"], { uri: "https://example.com/" });
  expect(new Set(await versions())).toEqual(new Set([1]));
  const limited = await exportThrough(service, tokens["alpha export"], {
    capability,
    limits: { ttlMs: 60_000 },
  });
  await exportThrough(service, tokens["gamma export"], { capability: uriOf(service, limited) });
  await exportThrough(service, tokens["alpha export"], { capability, label: "labeled" });
  expect((await versions()).filter((version) => version === 2)).toHaveLength(3);
});
