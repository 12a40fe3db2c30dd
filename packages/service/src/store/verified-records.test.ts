import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Uid } from "../domain/uid.ts";
import { newUid, uidBytes } from "../domain/uid.ts";
import { encodeRow } from "./codec/authenticated-row.ts";
import { encodeRecord } from "./codec/record-codec.ts";
import { createServiceKeys } from "./keys.ts";
import type { StoredMembrane } from "./record.ts";
import { StoreCorruptError } from "./store.ts";
import { createVerifiedRecords } from "./verified-records.ts";

const KEYS = createServiceKeys(randomBytes(32));

function membrane(sealedBytes = 100): StoredMembrane {
  const [uid, tenant, createdBy] = [newUid(randomBytes), newUid(randomBytes), newUid(randomBytes)];
  const [recipientKey, sealed] = [randomBytes(32), randomBytes(sealedBytes)];
  return {
    type: "membrane",
    version: 1,
    uid,
    tenant,
    createdBy,
    name: "m",
    revoked: false,
    recipientKey,
    sealed,
  };
}

function rowOf(record: StoredMembrane, at: Uid = record.uid): Buffer {
  return encodeRow("nodes", uidBytes(at), encodeRecord(record), KEYS);
}

/** Counts how often a MAC is computed. */
function counted(limits?: { readonly entries: number; readonly bytes: number }) {
  let macs = 0;
  const verifyRowMac = (row: Uint8Array, mac: Uint8Array): boolean => {
    macs += 1;
    return KEYS.verifyRowMac(row, mac);
  };
  return { records: createVerifiedRecords({ verifyRowMac }, limits), macs: () => macs };
}

test("a row that was verified is verified again only when its bytes have changed", () => {
  const { records, macs } = counted();
  const record = membrane();
  expect(records.read(record.uid, rowOf(record))).toEqual(record);
  expect(records.read(record.uid, rowOf(record))).toEqual(record);
  expect(macs()).toBe(1);
  const revoked = { ...record, revoked: true };
  expect(records.read(record.uid, rowOf(revoked))).toEqual(revoked);
  expect(records.read(record.uid, rowOf(record))).toEqual(record);
  expect(macs()).toBe(3);
});

test("a change of any bit of a row is refused, although the row was verified before", () => {
  const { records } = counted();
  const record = membrane();
  const row = rowOf(record);
  records.read(record.uid, row);
  for (let byte = 0; byte < row.length; byte += 1) {
    const changed = Buffer.from(row);
    changed[byte]! ^= 1 << (byte % 8);
    expect(() => records.read(record.uid, changed), `byte ${byte}`).toThrow(StoreCorruptError);
  }
  for (const cut of [0, 1, 31, 32, row.length - 1])
    expect(() => records.read(record.uid, row.subarray(0, cut)), `cut to ${cut}`).toThrow(StoreCorruptError);
  expect(() => records.read(record.uid, Buffer.concat([row, Buffer.alloc(1)]))).toThrow(StoreCorruptError);
  expect(records.read(record.uid, row)).toEqual(record);
});

test("the verified row of one record is refused in the place of another, which was verified too", () => {
  const { records } = counted();
  const [one, other] = [membrane(), membrane()];
  for (const record of [one, other]) records.read(record.uid, rowOf(record));
  expect(() => records.read(other.uid, rowOf(one))).toThrow(StoreCorruptError);
  expect(() => records.read(newUid(randomBytes), rowOf(one))).toThrow(StoreCorruptError);
});

test("a refused row is not kept", () => {
  const { records, macs } = counted();
  const record = membrane();
  const changed = rowOf({ ...record, revoked: true });
  changed[0]! ^= 1;
  for (let i = 0; i < 3; i += 1) expect(() => records.read(record.uid, changed)).toThrow(StoreCorruptError);
  expect(macs()).toBe(3);
  expect(records.usage()).toEqual({ entries: 0, bytes: 0 });
});

test("a kept row and its record keep no larger buffer, in which a driver has read it", () => {
  const { records } = counted();
  const record = membrane();
  const row = rowOf(record);
  const read = Buffer.concat([Buffer.alloc(10_000), row]).subarray(10_000);
  const { sealed } = records.read(record.uid, read) as StoredMembrane;
  const kept = records.find(record.uid)!.row;
  expect(kept).toEqual(row);
  expect([kept.buffer.byteLength, sealed.buffer.byteLength]).toEqual([row.length, row.length]);
});

test("rows are kept up to a number and up to a number of bytes, and a long one is not", () => {
  for (const limits of [
    { entries: 10, bytes: 1_000_000 },
    { entries: 1_000, bytes: 10_000 },
  ]) {
    const { records } = counted(limits);
    for (let i = 0; i < 100; i += 1) {
      const record = membrane(i * 10);
      records.read(record.uid, rowOf(record));
      const { entries, bytes } = records.usage();
      expect(entries).toBeLessThanOrEqual(limits.entries);
      expect(bytes).toBeLessThanOrEqual(limits.bytes);
      expect(entries).toBeGreaterThan(0);
    }
  }
  const { records } = counted();
  const long = membrane(64 * 1_024);
  records.read(long.uid, rowOf(long));
  expect(records.usage().entries).toBe(0);
});
