import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Kind } from "../domain/capability.ts";
import type { Uid } from "../domain/uid.ts";
import { newUid, parseUid } from "../domain/uid.ts";
import type { StoredCapability, StoredMembrane, StoredTarget } from "./record.ts";
import { boundColumns } from "./record.ts";

type Sealed = Parameters<typeof boundColumns>[0];

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
const capability = fc.record(
  {
    type: fc.constant("capability" as const),
    uid,
    kind,
    subject: uid,
    parent: uid,
    through: uid,
    madeWith: uid,
  },
  { requiredKeys: ["type", "uid", "kind"] },
);
const target = fc.record({ type: fc.constant("target" as const), uid, membrane: uid, madeWith: uid });
const membrane = fc.record({
  type: fc.constant("membrane" as const),
  uid,
  tenant: uid,
  name: fc.string(),
  revoked: fc.constant(false),
  madeWith: uid,
  sealedTo: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const sealed: fc.Arbitrary<Sealed> = fc.oneof(capability, target, membrane);

const random = (): Uid => newUid(randomBytes);
const CAPABILITY: StoredCapability = {
  type: "capability",
  uid: random(),
  kind: "invoke",
  subject: random(),
  parent: random(),
  through: random(),
  madeWith: random(),
  lookupId: randomBytes(32),
  sealed: randomBytes(60),
};
const TARGET: StoredTarget = {
  type: "target",
  uid: random(),
  membrane: random(),
  madeWith: random(),
  sealed: randomBytes(60),
};
const MEMBRANE: StoredMembrane = {
  type: "membrane",
  uid: random(),
  tenant: random(),
  name: "n",
  revoked: false,
  madeWith: random(),
  sealedTo: randomBytes(32),
  sealed: randomBytes(60),
};

test("no two records with different clear columns bind the same bytes", () => {
  fc.assert(
    fc.property(sealed, sealed, (a, b) => {
      const same = isDeepStrictEqual(a, b);
      expect(boundColumns(a).equals(boundColumns(b))).toBe(same);
    }),
  );
});

test.each([
  ...(["uid", "subject", "parent", "through", "madeWith"] as const).map(
    (name) => [CAPABILITY, name] as const,
  ),
  ...(["uid", "membrane", "madeWith"] as const).map((name) => [TARGET, name] as const),
  ...(["uid", "tenant", "madeWith"] as const).map((name) => [MEMBRANE, name] as const),
])("$type: a sealed payload is bound to %s", (record, name) => {
  const moved = { ...record, [name]: random() };
  expect(boundColumns(moved).equals(boundColumns(record))).toBe(false);
});

test("a sealed payload is bound to the kind, the name, the public key that it was sealed to, and the type", () => {
  expect(boundColumns({ ...CAPABILITY, kind: "export" }).equals(boundColumns(CAPABILITY))).toBe(false);
  expect(boundColumns({ ...MEMBRANE, name: "m" }).equals(boundColumns(MEMBRANE))).toBe(false);
  expect(boundColumns({ ...MEMBRANE, sealedTo: randomBytes(32) }).equals(boundColumns(MEMBRANE))).toBe(false);
  const { uid: name, membrane: tenant, madeWith } = TARGET;
  const capabilityOfSameUids: StoredCapability = { ...CAPABILITY, uid: name, subject: tenant, madeWith };
  expect(boundColumns(capabilityOfSameUids).equals(boundColumns(TARGET))).toBe(false);
});

test("a pointer that is absent is told from the same uid in the place of another pointer", () => {
  const { subject, ...rest } = CAPABILITY;
  const { parent: _parent, ...none } = rest;
  const asSubject = { ...none, ...(subject === undefined ? {} : { subject }) };
  const asParent = { ...none, ...(subject === undefined ? {} : { parent: subject }) };
  expect(boundColumns(asSubject).equals(boundColumns(asParent))).toBe(false);
});

test("what changes while the payload stays is not bound: the state, and the lookup id", () => {
  expect(boundColumns({ ...MEMBRANE, revoked: true }).equals(boundColumns(MEMBRANE))).toBe(true);
  const relocated: StoredCapability = { ...CAPABILITY, lookupId: randomBytes(32) };
  expect(boundColumns(relocated).equals(boundColumns(CAPABILITY))).toBe(true);
});
