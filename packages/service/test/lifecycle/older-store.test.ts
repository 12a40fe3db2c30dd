import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { NameLookup } from "../../src/egress/resolve-host.ts";
import { call, createMembrane, exportThrough } from "../../../testkit/src/client.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { openRawLmdb } from "../../../testkit/src/raw-lmdb.ts";
import { startTestService } from "../../../testkit/src/service.ts";

/**
 * A data directory that was written before stores had disk quotas: two membranes, `kept` with a target, an exported capability and
 * its re-export, and `revoked`, which is revoked.
 */
const FIXTURE = fileURLToPath(new URL("fixtures/store-0.1/", import.meta.url));

interface Tokens {
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
  readonly export: string;
  readonly revoke: string;
  readonly exported: string;
  readonly again: string;
  readonly revoked: string;
}

async function olderData(): Promise<AsyncDisposable & { readonly path: string; readonly tokens: Tokens }> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory.path, "store"));
  const store = gunzipSync(await readFile(join(FIXTURE, "data.mdb.gz")));
  await writeFile(join(directory.path, "store", "data.mdb"), store);
  await copyFile(join(FIXTURE, "service.key"), join(directory.path, "service.key"));
  const tokens = JSON.parse(await readFile(join(FIXTURE, "tokens.json"), "utf8")) as Tokens;
  return {
    path: directory.path,
    tokens,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const noAddress: NameLookup = (_name, _options, callback) => callback(null, []);

test("a store of an older version opens: its capabilities work, revoked ones do not, and all can be revoked", async () => {
  await using data = await olderData();
  await using service = await startTestService({ directory: data.path, lookup: noAddress });
  const { tokens } = data;
  const { json } = await call(service, tokens.query, { path: "/?limit=10" });
  expect(json).toMatchObject({ membranes: [{ id: "kept" }], completed: true });
  // A 502, since the target's name has no address here, shows that they are alive.
  for (const token of [tokens.exported, tokens.again]) {
    expect(await call(service, token)).toMatchObject({ status: 502 });
  }
  expect(await call(service, tokens.revoked)).toMatchObject({ status: 401 });
  await exportThrough(service, tokens.export, { uri: "https://example.com/" });
  await createMembrane(service, tokens.create, "revoked");
  expect(await call(service, tokens.revoke)).toMatchObject({ status: 202 });
  expect(await call(service, tokens.exported)).toMatchObject({ status: 401 });
  expect(await call(service, tokens.deleteSelf)).toMatchObject({ status: 202 });
});

test("records of an older version count against the disk quotas", async () => {
  await using data = await olderData();
  // The store has a target of 3,000 bytes.
  await using service = await startTestService({
    directory: data.path,
    limits: { storedBytesPerMembrane: 4_096 },
  });
  const body = { uri: "https://example.com/" };
  const refused = await call(service, data.tokens.export, { body });
  expect(refused).toMatchObject({ status: 409, json: { code: "membrane_storage_exceeded" } });
  const other = await createMembrane(service, data.tokens.create, "other");
  await exportThrough(service, other.export, body);
  await using raw = await openRawLmdb(data.path);
  // A row for the bytes of each owner for which something was made since; no other record was rewritten.
  expect((await raw.rows("counts")).filter(({ key }) => key.length === 17 && key[16] === 2)).toHaveLength(2);
});
