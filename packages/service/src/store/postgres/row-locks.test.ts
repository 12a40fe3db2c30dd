import { expect, test } from "vitest";
import type { Uid } from "../../domain/uid.ts";
import { parseUid } from "../../domain/uid.ts";
import type { Change } from "../engine.ts";
import { revocationRequest } from "../operations/revoke.ts";
import type { StoredCapability, StoredMembrane } from "../record.ts";
import { NO_OWNER } from "../write-owner.ts";
import { coversLocks, expectedLocks, locksOf, mergeLocks, NO_LOCKS } from "./row-locks.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => parseUid(digit.repeat(32))) as [Uid, Uid, Uid];
const MEMBRANE: StoredMembrane = {
  type: "membrane",
  uid: A,
  version: 1,
  tenant: B,
  name: "m",
  revoked: false,
  createdBy: C,
  recipientKey: Buffer.alloc(0),
  sealed: Buffer.alloc(0),
};
const EXPORT: StoredCapability = {
  type: "capability",
  uid: C,
  version: 1,
  kind: "export",
  resource: A,
  lookupId: Buffer.alloc(32),
  sealed: Buffer.alloc(0),
};

test("what new records point to is locked, except what the same write inserts or changes", () => {
  const locks = locksOf([
    { type: "insert", record: MEMBRANE },
    { type: "insert", record: EXPORT },
  ]);
  expect([...locks.pointedTo]).toEqual([B]);
  expect(locks.changed.size).toBe(0);
  const both = locksOf([
    { type: "insert", record: EXPORT },
    { type: "update", record: MEMBRANE },
  ]);
  expect([[...both.changed], [...both.pointedTo]]).toEqual([[A], []]);
});

test.each<[string, Change, Partial<Record<"counts" | "names" | "changed", number>>]>([
  ["an update", { type: "update", record: MEMBRANE }, { changed: 1 }],
  ["a removal", { type: "remove", record: MEMBRANE }, { changed: 1 }],
  ["a name that is taken", { type: "takeName", name: { name: "n" }, holder: A }, { names: 1 }],
  ["a name that is released", { type: "releaseName", name: { name: "n" } }, { names: 1 }],
  ["a count", { type: "addToCount", quota: { owner: A, kind: "capabilities" }, by: 1 }, { counts: 1 }],
  ["a dropped count", { type: "dropCount", quota: { owner: A, kind: "capabilities" } }, { counts: 1 }],
  ["bytes", { type: "addStoredBytes", owner: A, by: 1 }, { counts: 1 }],
  ["dropped bytes", { type: "dropStoredBytes", owner: A }, { counts: 1 }],
  ["a use", { type: "putUses", uid: A, count: { window: 0, uses: 1 } }, { counts: 1 }],
  ["a dropped counter", { type: "dropUses", uid: A }, { counts: 1 }],
  ["an entry of the log", { type: "appendToLog", uid: A }, {}],
])("%s locks the row that it changes", (_name, change, expected) => {
  const { counts, names, changed } = locksOf([change]);
  expect({ counts: counts.size, names: names.size, changed: changed.size }).toEqual({
    counts: 0,
    names: 0,
    changed: 0,
    ...expected,
  });
});

test("a lock to change a record is also one to point to it, and not the other way round", () => {
  const changed = { ...NO_LOCKS, changed: new Set([A]) };
  const pointedTo = { ...NO_LOCKS, pointedTo: new Set([A]) };
  expect(coversLocks(changed, pointedTo)).toBe(true);
  expect(coversLocks(pointedTo, changed)).toBe(false);
  expect(coversLocks(mergeLocks([pointedTo, changed]), mergeLocks([changed, pointedTo]))).toBe(true);
  const counts = locksOf([{ type: "addStoredBytes", owner: A, by: 1 }]);
  expect(coversLocks(changed, counts)).toBe(false);
  expect(coversLocks(counts, locksOf([{ type: "addStoredBytes", owner: B, by: 1 }]))).toBe(false);
});

test("counts of what the same write inserts are not locked, and others are", () => {
  const locks = locksOf([
    { type: "insert", record: MEMBRANE },
    { type: "addStoredBytes", owner: A, by: 1 },
    { type: "addStoredBytes", owner: B, by: 1 },
  ]);
  expect([...locks.counts.keys()]).toEqual([`${B} 2`]);
});

test("a use, a creation and a revoke lock what they will probably change before they decide", () => {
  const request = { owner: NO_OWNER, size: { records: 1, sealedBytes: 0 }, uses: [A] };
  expect([...expectedLocks({ ...request, class: "use" }).counts.keys()]).toEqual([`${A} 3`]);
  const creation = expectedLocks({
    ...request,
    class: "create",
    owner: { tenant: C, capability: "" },
    uids: [B],
    names: [{ owner: B, name: "m" }],
    quotas: [{ owner: B, kind: "membranes" }],
  });
  expect([...creation.counts.keys()]).toEqual([`${A} 3`, `${B} 0`, `${B} 2`, `${C} 2`]);
  expect([...creation.names.values()]).toEqual([{ owner: B, name: "m" }]);
  expect([...creation.pointedTo]).toEqual([B]);
  const revoke = expectedLocks({
    ...request,
    class: "revoke",
    owner: { tenant: C, capability: "" },
    uids: [A, B],
    names: [{ owner: C, name: "m" }],
    quotas: [{ owner: C, kind: "membranes" }],
    replaces: [A],
  });
  expect([...revoke.counts.keys()]).toEqual([`${A} 3`, `${C} 0`, `${A} 2`]);
  expect([...revoke.changed]).toEqual([A]);
  expect([...revoke.pointedTo]).toEqual([]);
});

test("a revoke locks what it changes, and one that is repeated locks nothing", () => {
  const revocation = { root: A, actor: "operator" } as const;
  const locksFor = (record: StoredMembrane) =>
    expectedLocks({ ...revocationRequest(revocation, record), owner: NO_OWNER });
  expect([...locksFor(MEMBRANE).changed]).toEqual([A]);
  expect(locksFor({ ...MEMBRANE, revoked: true })).toEqual(NO_LOCKS);
});
