import { expect, test } from "vitest";
import { parseUid } from "../../service/src/domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredTenant } from "../../service/src/store/record.ts";
import { RecordTooNewError } from "../../service/src/store/store.ts";
import { NO_OWNER } from "../../service/src/store/write-owner.ts";
import { loadForRead, loadForWrite, NotRequestedError } from "./loaded-snapshot.ts";
import { memorySnapshot } from "./memory-snapshot.ts";

const [T, C, M, E] = ["a", "b", "c", "d"].map((digit) => parseUid(digit.repeat(32))) as [
  StoredTenant["uid"],
  StoredTenant["uid"],
  StoredTenant["uid"],
  StoredTenant["uid"],
];
const NOTHING = Buffer.alloc(0);
const TENANT: StoredTenant = {
  type: "tenant",
  uid: T,
  version: 1,
  name: "t",
  revoked: false,
  publicKey: NOTHING,
};
const CREATE: StoredCapability = {
  type: "capability",
  uid: C,
  version: 1,
  kind: "create",
  resource: T,
  lookupId: Buffer.from("create"),
  sealed: NOTHING,
};
const MEMBRANE: StoredMembrane = {
  type: "membrane",
  uid: M,
  version: 1,
  tenant: T,
  name: "m",
  revoked: false,
  createdBy: C,
  recipientKey: NOTHING,
  sealed: NOTHING,
};
const EXPORT: StoredCapability = {
  ...CREATE,
  uid: E,
  kind: "export",
  resource: M,
  lookupId: Buffer.from("export"),
};
const source = memorySnapshot([TENANT, CREATE, MEMBRANE, EXPORT], { storedBytes: () => 7 });
const write = { class: "create", owner: NO_OWNER, size: { records: 0, sealedBytes: 0 } } as const;

test("a copy has the requested records with their dependencies, and no others", () => {
  const copy = loadForRead(source, { lookupIds: [EXPORT.lookupId] });
  expect(copy.capability(EXPORT.lookupId)).toBe(EXPORT);
  expect([M, C, T].map(copy.record)).toEqual([MEMBRANE, CREATE, TENANT]);
  expect(() => copy.capability(CREATE.lookupId)).toThrow(NotRequestedError);
  expect(() => copy.holderOf({ name: "t" })).toThrow(NotRequestedError);
  expect(() => copy.names({ limit: 1 })).toThrow(NotRequestedError);
  const other = loadForRead(source, { uids: [C] });
  expect(() => other.record(M)).toThrow(NotRequestedError);
});

test("a copy for a write has the names and the bytes of its tenants and membranes, and the requested counts", () => {
  const quota = { owner: M, kind: "capabilities" } as const;
  const copy = loadForWrite(source, { ...write, uids: [M], quotas: [quota] });
  expect(copy.holderOf({ owner: T, name: "m" })).toBe(M);
  expect([copy.storedBytes(M), copy.storedBytes(T), copy.countOwned(quota)]).toEqual([7, 7, 0]);
  expect(() => copy.storedBytes(C)).toThrow(NotRequestedError);
  expect(() => copy.countOwned({ owner: T, kind: "membranes" })).toThrow(NotRequestedError);
  const sweep = { limit: 8, expiredBefore: 0 };
  expect(() => copy.sweepEntries(sweep)).toThrow(NotRequestedError);
  expect(() => copy.expired(sweep)).toThrow(NotRequestedError);
});

test("an error of a record is thrown only when a decision reads that record", () => {
  const failing = {
    ...source,
    record: (uid: typeof T) => {
      if (uid === C) throw new RecordTooNewError(uid);
      return source.record(uid);
    },
  };
  const copy = loadForRead(failing, { uids: [M] });
  expect(copy.record(M)).toBe(MEMBRANE);
  expect(() => copy.record(C)).toThrow(RecordTooNewError);
});
