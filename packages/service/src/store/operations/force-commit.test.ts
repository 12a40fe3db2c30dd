import { expect, test } from "vitest";
import { memorySnapshot } from "../../../../testkit/src/memory-snapshot.ts";
import { parseUid } from "../../domain/uid.ts";
import { DEFAULT_LIMITS } from "../../service-limits.ts";
import type { StoredCapability, StoredTenant } from "../record.ts";
import { decideCreation } from "./create.ts";
import { decideRekey } from "./rekey.ts";
import { decideRevocation } from "./revoke.ts";

const [A, B, NONE] = [parseUid("a".repeat(32)), parseUid("b".repeat(32)), parseUid("c".repeat(32))];
const NOW = 1_000_000;
const TENANT: StoredTenant = {
  type: "tenant",
  uid: A,
  version: 1,
  name: "tenant",
  revoked: false,
  publicKey: Buffer.alloc(32),
};
const REVOKED: StoredTenant = { ...TENANT, revoked: true };
const QUERY: StoredCapability = {
  type: "capability",
  uid: B,
  version: 1,
  kind: "query",
  resource: A,
  lookupId: Buffer.alloc(32, 1),
  sealed: Buffer.alloc(0),
};

const alive = memorySnapshot([TENANT, QUERY]);
const dead = memorySnapshot([REVOKED, QUERY]);
const full = { ...DEFAULT_LIMITS, maxOwnCapabilitiesPerTenant: 0 };
const another = { ...QUERY, uid: NONE, lookupId: Buffer.alloc(32, 2) };
const rekey = { tenant: NONE, publicKey: Buffer.alloc(32), capabilities: [] };

// What a decision read may be the commit of another process, visible and not on disk yet.
test.each([
  ["a create of nothing", decideCreation(alive, { records: [] }, DEFAULT_LIMITS, NOW)],
  ["a create of what is there already", decideCreation(alive, { records: [QUERY] }, DEFAULT_LIMITS, NOW)],
  ["a create without room", decideCreation(alive, { records: [another] }, full, NOW)],
  ["a create in a dead lineage", decideCreation(dead, { records: [another] }, DEFAULT_LIMITS, NOW)],
  ["a rekey of no tenant", decideRekey(alive, rekey, DEFAULT_LIMITS, NOW)],
  ["a rekey without room", decideRekey(alive, { ...rekey, tenant: A, capabilities: [another] }, full, NOW)],
  ["a repeated revoke", decideRevocation(dead, { root: A, actor: "operator" }, NOW)],
  ["a revoke of nothing", decideRevocation(alive, { root: NONE, actor: "operator" }, NOW)],
  ["a revoke by a dead capability", decideRevocation(dead, { root: A, actor: B }, NOW)],
])("%s changes nothing and still waits for the disk", (_name, { changes }) => {
  expect(changes).toEqual([{ type: "forceCommit" }]);
});
