import { expect, test } from "vitest";
import type { Capability } from "./capability.ts";
import { subjectOfRecords } from "./change.ts";
import type { Membrane } from "./membrane.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import { parseUid } from "./uid.ts";

const [t, m, c1, c2] = ["1", "2", "3", "4"].map((digit) => parseUid(digit.repeat(32))) as [
  Uid,
  Uid,
  Uid,
  Uid,
];

const capability = (uid: Uid, membrane?: Uid): Capability => ({
  type: "capability",
  uid,
  kind: "invoke",
  ...(membrane === undefined ? {} : { membrane }),
});
const tenant: Tenant = { type: "tenant", uid: t, name: "a name", revoked: false };
const membrane: Membrane = { type: "membrane", uid: m, tenant: t, name: "b", revoked: false, createdBy: c2 };
const target: Target = { type: "target", uid: parseUid("5".repeat(32)), membrane: m, createdBy: c2 };

test.each([
  ["a tenant", [tenant, capability(c1), capability(c2)], { tenant: t, capabilities: [c1, c2] }],
  ["a membrane", [membrane, capability(c1)], { tenant: t, membrane: m, capabilities: [c1] }],
  ["an export", [target, capability(c1, m)], { membrane: m, capabilities: [c1] }],
  ["a re-export", [capability(c1, m)], { membrane: m, capabilities: [c1] }],
  ["nothing", [], { capabilities: [] }],
])("the subject of %s is its tenant, its membrane and its capabilities", (_case, records, subject) => {
  expect(subjectOfRecords(records)).toEqual(subject);
});
