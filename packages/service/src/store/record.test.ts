import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Kind } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";
import { newUid, parseUid } from "../domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredTarget } from "./record.ts";
import { associatedData } from "./record.ts";

type Sealed = Parameters<typeof associatedData>[0];

const uid: fc.Arbitrary<Uid> = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => parseUid(Buffer.from(bytes).toString("hex")));
const kind = fc.constantFrom<Kind>(
  "provision",
  "create",
  "query",
  "deleteSelf",
  "export",
  "revoke",
  "invoke",
);
const version = fc.integer({ min: 1, max: 3 });
const capabilityOf = (version: number) =>
  fc.record(
    {
      version: fc.constant(version),
      type: fc.constant("capability" as const),
      uid,
      kind,
      resource: uid,
      parent: uid,
      membrane: uid,
      createdBy: uid,
      ...(version === 1 ? {} : { expiresAt: fc.maxSafeNat() }),
    },
    { requiredKeys: ["type", "uid", "version", "kind"] },
  );
const capability = version.chain(capabilityOf);
const target = fc.record({
  version,
  type: fc.constant("target" as const),
  uid,
  membrane: uid,
  createdBy: uid,
});
const membrane = fc.record({
  version,
  type: fc.constant("membrane" as const),
  uid,
  tenant: uid,
  name: fc.string(),
  revoked: fc.constant(false),
  createdBy: uid,
  recipientKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const sealed: fc.Arbitrary<Sealed> = fc.oneof(capability, target, membrane);

const random = (): Uid => newUid(randomBytes);
const CAPABILITY: StoredCapability = {
  type: "capability",
  uid: random(),
  version: 1,
  kind: "invoke",
  resource: random(),
  parent: random(),
  membrane: random(),
  createdBy: random(),
  lookupId: randomBytes(32),
  sealed: randomBytes(60),
};
const TARGET: StoredTarget = {
  type: "target",
  uid: random(),
  version: 2,
  membrane: random(),
  createdBy: random(),
  sealed: randomBytes(60),
};
const MEMBRANE: StoredMembrane = {
  type: "membrane",
  uid: random(),
  version: 1,
  tenant: random(),
  name: "n",
  revoked: false,
  createdBy: random(),
  recipientKey: randomBytes(32),
  sealed: randomBytes(60),
};

test("no two records with different clear columns bind the same bytes", () => {
  fc.assert(
    fc.property(sealed, sealed, (a, b) => {
      const same = isDeepStrictEqual(a, b);
      expect(associatedData(a).equals(associatedData(b))).toBe(same);
    }),
  );
});

test.each([
  ...(["uid", "resource", "parent", "membrane", "createdBy"] as const).map(
    (name) => [CAPABILITY, name] as const,
  ),
  ...(["uid", "membrane", "createdBy"] as const).map((name) => [TARGET, name] as const),
  ...(["uid", "tenant", "createdBy"] as const).map((name) => [MEMBRANE, name] as const),
])("$type: a sealed payload is bound to %s", (record, name) => {
  const moved = { ...record, [name]: random() };
  expect(associatedData(moved).equals(associatedData(record))).toBe(false);
});

test("a sealed payload is bound to the kind, the name, the public key that it was sealed to, and the type", () => {
  expect(associatedData({ ...CAPABILITY, kind: "export" }).equals(associatedData(CAPABILITY))).toBe(false);
  expect(associatedData({ ...MEMBRANE, name: "m" }).equals(associatedData(MEMBRANE))).toBe(false);
  expect(
    associatedData({ ...MEMBRANE, recipientKey: randomBytes(32) }).equals(associatedData(MEMBRANE)),
  ).toBe(false);
  const { uid: name, membrane: tenant, createdBy } = TARGET;
  const capabilityOfSameUids: StoredCapability = { ...CAPABILITY, uid: name, resource: tenant, createdBy };
  expect(associatedData(capabilityOfSameUids).equals(associatedData(TARGET))).toBe(false);
});

test("a sealed payload of version 2 is bound to the time when its capability expires", () => {
  const bounded: StoredCapability = { ...CAPABILITY, version: 2, expiresAt: 1_000 };
  for (const moved of [
    { ...bounded, expiresAt: 1_001 },
    { ...CAPABILITY, version: 2 },
  ])
    expect(associatedData(moved).equals(associatedData(bounded))).toBe(false);
});

test("a sealed payload is bound to the version of its record", () => {
  const older = { ...TARGET, version: 1 };
  expect(associatedData(older).equals(associatedData(TARGET))).toBe(false);
});

test("an absent dependency and the same uid as another dependency are distinguished", () => {
  const { resource, ...rest } = CAPABILITY;
  const { parent: _parent, ...none } = rest;
  const asSubject = { ...none, ...(resource === undefined ? {} : { resource }) };
  const asParent = { ...none, ...(resource === undefined ? {} : { parent: resource }) };
  expect(associatedData(asSubject).equals(associatedData(asParent))).toBe(false);
});

test("what changes while the payload stays is not bound: the state, and the lookup id", () => {
  expect(associatedData({ ...MEMBRANE, revoked: true }).equals(associatedData(MEMBRANE))).toBe(true);
  const relocated: StoredCapability = { ...CAPABILITY, lookupId: randomBytes(32) };
  expect(associatedData(relocated).equals(associatedData(CAPABILITY))).toBe(true);
});
