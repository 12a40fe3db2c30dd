import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Capability } from "../domain/capability.ts";
import type { LimitedNode } from "../domain/limits.ts";
import { newUid } from "../domain/uid.ts";
import { openCapability, sealCapability } from "./capability-seal.ts";
import { encodeRecord, decodeRecord } from "./codec/record-codec.ts";
import { associatedData } from "./record.ts";
import { seal, UnsealError } from "./seal.ts";
import { RecordTooNewError } from "./store.ts";

const KEYS = { lookupId: randomBytes(32), sealingKey: randomBytes(32) };
const SECRET = randomBytes(32);
const CAPABILITY: Capability = { type: "capability", uid: newUid(randomBytes), kind: "invoke" };
const PARENT: LimitedNode = { uid: newUid(randomBytes), createdAt: 1, limits: { methods: ["GET"] } };
const OWN = { createdAt: 2, limits: { expiresAt: 9, maxUses: 3 } };

test("a capability without limits and label is sealed in version 1, which an older program reads", () => {
  const record = sealCapability(CAPABILITY, SECRET, { inherited: [] }, KEYS);
  expect(record).toEqual({ ...CAPABILITY, version: 1, lookupId: KEYS.lookupId, sealed: record.sealed });
  expect(encodeRecord(record)).toHaveLength(9);
  expect(openCapability(record, KEYS.sealingKey)).toEqual({ secret: SECRET, limits: [] });
});

test.each([
  ["limits", { own: OWN }, [{ uid: CAPABILITY.uid, ...OWN }]],
  ["a label", { label: "for the report" }, []],
  ["inherited limits", { inherited: [PARENT] }, [PARENT]],
  ["limits and inherited ones", { own: OWN, inherited: [PARENT] }, [{ uid: CAPABILITY.uid, ...OWN }, PARENT]],
])(
  "a capability with %s is sealed in version 2, its own limits before inherited ones",
  (_name, given, limits) => {
    const record = sealCapability(CAPABILITY, SECRET, given, KEYS);
    expect(record.version).toBe(2);
    const stored = decodeRecord(record.uid, encodeRecord(record));
    expect(stored).toEqual(record);
    const opened = openCapability(record, KEYS.sealingKey);
    expect(opened).toEqual({ secret: SECRET, limits, ...("label" in given ? { label: given.label } : {}) });
  },
);

test("the time of expiry is the one limit in clear, and changing it makes the payload unreadable", () => {
  const record = sealCapability(CAPABILITY, SECRET, { own: OWN }, KEYS);
  expect(record.expiresAt).toBe(OWN.limits.expiresAt);
  expect(() => openCapability({ ...record, expiresAt: 10 }, KEYS.sealingKey)).toThrow(UnsealError);
  const { expiresAt: _, ...unlimited } = record;
  expect(() => openCapability(unlimited, KEYS.sealingKey)).toThrow(UnsealError);
  const inherited = sealCapability(CAPABILITY, SECRET, { inherited: [{ uid: PARENT.uid, ...OWN }] }, KEYS);
  expect(inherited).not.toHaveProperty("expiresAt");
});

test("a payload with what this program does not know is too new", () => {
  const record = { ...CAPABILITY, version: 2, lookupId: KEYS.lookupId };
  // Three columns, and one that is unknown.
  const payload = Buffer.alloc(16);
  const sealed = seal(KEYS.sealingKey, payload, associatedData(record));
  expect(() => openCapability({ ...record, sealed }, KEYS.sealingKey)).toThrow(RecordTooNewError);
});
