import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { Uid } from "../../domain/uid.ts";
import type { Decision, Snapshot, WriteRequest } from "../engine.ts";
import type { RevocationDenial } from "../store.ts";
import type { StoredRecord } from "../record.ts";
import { releasedBy, releaseOwner } from "./accounting.ts";
import { isAlive } from "./find.ts";
import { isNamed } from "../named-record.ts";

/** Who revokes what. The operator, at the machine itself, needs no capability. */
export interface Revocation {
  readonly root: Uid;
  readonly actor: Uid | "operator";
}

/**
 * What {@link decideRevocation} reads.
 *
 * @param record the root, as it was read before: the decision then probably finds all locks held.
 */
export function revocationRequest(
  { root, actor }: Revocation,
  record?: StoredRecord,
): Omit<WriteRequest, "owner"> {
  return {
    class: "revoke",
    uids: actor === "operator" ? [root] : [root, actor],
    // A repeated revoke changes no record.
    ...(isNamed(record) && !record.revoked && { ...releasedBy(record), replaces: [root] }),
    size: { records: 0, sealedBytes: 0 },
  };
}

/**
 * Marks a tenant or a membrane as revoked, and with it all that descends from it. A revoke that is repeated, or denied, still
 * waits for the disk.
 */
export function decideRevocation(
  snapshot: Snapshot,
  { root, actor }: Revocation,
  now: number,
): Decision<Result<void, RevocationDenial>> {
  const record = snapshot.record(root);
  if (!isNamed(record) || !mayRevoke(snapshot, actor, now))
    return { result: err({ reason: "lineage_dead" }), changes: [{ type: "forceCommit" }] };
  if (record.revoked) return { result: ok(undefined), changes: [{ type: "forceCommit" }] };
  return {
    result: ok(undefined),
    changes: [
      { type: "update", record: { ...record, revoked: true } },
      ...releaseOwner(record, snapshot),
      { type: "appendToLog", uid: root },
      // The root's own record stays: its `revoke` capabilities still respond.
      { type: "queueSweep", uid: root, isRoot: true },
    ],
  };
}

function mayRevoke(snapshot: Snapshot, actor: Uid | "operator", now: number): boolean {
  return actor === "operator" || isAlive(snapshot, actor, now);
}
