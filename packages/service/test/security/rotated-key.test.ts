import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CapabilityToken } from "capability-protocol";
import { parseToken } from "capability-protocol";
import { expect, test } from "vitest";
import { parseUid, uidBytes } from "../../src/domain/uid.ts";
import { MAC_BYTES } from "../../src/store/codec/authenticated-row.ts";
import { decodeColumns, encodeColumns, textColumn } from "../../src/store/codec/columns.ts";
import { decodeRecord } from "../../src/store/codec/record-codec.ts";
import { createKeyring, createServiceKeys } from "../../src/store/keys.ts";
import type { ServiceKey } from "../../src/store/keys.ts";
import type { StoredCapability } from "../../src/store/record.ts";
import { associatedData } from "../../src/store/record.ts";
import { unseal } from "../../src/store/seal.ts";
import { readServiceKeyFile } from "../../src/store/service-key-file.ts";
import { call, createMembrane, expectStatus, exportThrough } from "../../../testkit/src/client.ts";
import { createFullStore, TOKEN_NAMES } from "../../../testkit/src/full-store.ts";
import { dropTestKey, rotateTestKey, testKeyUsage } from "../../../testkit/src/rotation.ts";
import { startTestService } from "../../../testkit/src/service.ts";
import { openRawStore } from "../../../testkit/src/store-access.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { until } from "../../../testkit/src/until.ts";

/** The columns of a membrane, and which of them says that it is revoked. */
const REVOKED_COLUMN = 4;

/** The place of a row, and its columns changed and signed with a key. */
function forge(table: string, key: Buffer, columns: readonly Buffer[], by: ServiceKey): Buffer {
  const body = encodeColumns(columns);
  return Buffer.concat([body, by.rowMac(encodeColumns([textColumn(table), key, body]))]);
}

test("a row that is signed with the key before a rotation does not read, and takes with it what depends on it", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const before = await startTestService({ directory: directory.path });
  const membrane = await createMembrane(before, before.tokens.create, "m");
  const tokens: string[] = [];
  for (let number = 0; number < 3; number += 1)
    tokens.push(await exportThrough(before, membrane.export, { uri: target.url }));
  const { capability } = (await before.data.vault.open(parseToken(membrane.export)!))!;
  const uid = uidBytes(capability.resource!);
  await before.close();
  const [old] = await readServiceKeyFile(join(directory.path, "service.key"));
  await rotateTestKey(directory.path);

  await using service = await startTestService({ directory: directory.path });
  expectStatus(await call(service, tokens[0]!), 200);
  await using raw = await openRawStore(directory.path);
  const row = (await raw.rows("nodes")).find(({ key }) => key.equals(uid))!;
  const columns = decodeColumns(row.value.subarray(0, -MAC_BYTES));
  const changed = columns.with(REVOKED_COLUMN, Buffer.from([1]));
  await raw.write("nodes", uid, forge("nodes", uid, columns, createKeyring([old!])));
  expectStatus(await call(service, tokens[1]!), 500);
  // Signed with the key in use, it is what it says.
  await raw.write("nodes", uid, forge("nodes", uid, changed, service.data.keys));
  expectStatus(await call(service, tokens[2]!), 401);
  expect(target.requests).toHaveLength(1);
});

test("a row that was changed before a rotation gets no right MAC by it", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const before = await startTestService({ directory: directory.path });
  const kept = await createMembrane(before, before.tokens.create, "kept");
  const changed = await createMembrane(before, before.tokens.create, "changed");
  const tokens = [];
  for (const { export: exporting } of [kept, changed])
    tokens.push(await exportThrough(before, exporting, { uri: target.url }));
  const { capability } = (await before.data.vault.open(parseToken(changed.export)!))!;
  await before.close();
  {
    await using raw = await openRawStore(directory.path);
    const uid = uidBytes(capability.resource!);
    const row = (await raw.rows("nodes")).find(({ key }) => key.equals(uid))!;
    const columns = decodeColumns(row.value.subarray(0, -MAC_BYTES));
    const body = encodeColumns(columns.with(3, Buffer.from("renamed")));
    await raw.write("nodes", uid, Buffer.concat([body, row.value.subarray(-MAC_BYTES)]));
  }
  expect(await rotateTestKey(directory.path)).toMatchObject({ damaged: 1 });
  await using service = await startTestService({ directory: directory.path });
  const statuses = [];
  for (const token of tokens) statuses.push((await call(service, token)).status);
  expect(statuses).toEqual([200, 500]);
  await service.close();
  // Another rotation still tells it from the others.
  expect(await rotateTestKey(directory.path)).toMatchObject({ damaged: 1 });
});

test("with the old key, the whole store and every token, an attacker opens no capability that was presented since the rotation", async () => {
  await using directory = await temporaryDirectory();
  await using target = await startTarget();
  const before = await startTestService({ directory: directory.path });
  const { tokens: made } = await createFullStore(before, target.port);
  await before.close();
  await rotateTestKey(directory.path);
  const serviceKeys = await readServiceKeyFile(join(directory.path, "service.key"));
  const [old, recent] = serviceKeys.map(({ serviceKey }) => createServiceKeys(serviceKey));
  const tokens = TOKEN_NAMES.map((name) => parseToken(made[name])!);

  const readCapabilities = async (): Promise<readonly StoredCapability[]> => {
    await using raw = await openRawStore(directory.path);
    return (await raw.rows("nodes"))
      .map(({ key, value }) =>
        decodeRecord(parseUid(key.toString("hex")), decodeColumns(value.subarray(0, -MAC_BYTES))),
      )
      .filter((record) => record.type === "capability");
  };
  const opens = (keys: ServiceKey, records: readonly StoredCapability[], token: CapabilityToken): number =>
    records.filter((record) => {
      try {
        unseal(keys.deriveTokenKeys(token).sealingKey, record.sealed, associatedData(record));
        return true;
      } catch {
        return false;
      }
    }).length;
  const all = await readCapabilities();
  for (const token of tokens) expect([opens(old!, all, token), opens(recent!, all, token)]).toEqual([1, 0]);

  {
    await using service = await startTestService({ directory: directory.path });
    for (const token of tokens) {
      const { lookupId } = service.data.keys.deriveTokenKeys(token);
      await until("the capability is rekeyed", async () => {
        await call(service, token, { method: "PUT" });
        return (await service.data.store.find(lookupId)) !== undefined;
      });
    }
  }
  const rekeyed = await readCapabilities();
  for (const token of tokens)
    expect([opens(old!, rekeyed, token), opens(recent!, rekeyed, token)]).toEqual([0, 1]);

  // When the old key is dropped, the new one is enough.
  const usage = await testKeyUsage(directory.path);
  expect(await dropTestKey(directory.path, 1, usage[1]!)).toMatchObject({ ok: true });
  const file = join(directory.path, "service.key");
  const [, line] = (await readFile(file, "utf8")).split("\n");
  expect(line).toBe(serviceKeys[1]!.serviceKey.toString("hex"));
});
