import { timingSafeEqual } from "node:crypto";
import type { FindKnown } from "../../domain/lineage.ts";
import { evaluateLineage } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { ReadRequest, Snapshot } from "../engine.ts";
import type { StoredCapability, StoredMembrane, StoredTenant } from "../record.ts";
import type { Position } from "../revocation-source.ts";
import type { FoundCapability, KnownLineages } from "../store.ts";
import { memoizedRecords } from "./records.ts";

export function capabilityRequest(lookupIds: readonly Buffer[]): ReadRequest {
  return { lookupIds };
}

/**
 * @param lookupIds those of one token under each service key: the first that leads to a capability counts.
 * @param known what is not read again. The snapshot may be older or newer than it.
 */
export function findCapability(
  snapshot: Snapshot,
  lookupIds: readonly Buffer[],
  now: number,
  known?: KnownLineages,
): FoundCapability | undefined {
  const capability = findFirst(lookupIds, (lookupId) => readCapability(snapshot, lookupId));
  if (capability === undefined) return undefined;
  const find = memoizedRecords(snapshot);
  const resource = capability.resource === undefined ? undefined : find(capability.resource);
  const readAt = snapshot.position();
  const knownAt = known?.position();
  // After a restore, the numbers of one log say nothing of another's.
  const isKnown = knownAt !== undefined && knownAt.log === readAt.log;
  // A row that is gone is missing, whatever is known of it: nothing opens without its target.
  const isGone = capability.resource !== undefined && resource === undefined;
  const findKnown: FindKnown = (uid) =>
    isGone && uid === capability.resource ? undefined : known?.find(uid);
  const found = {
    capability,
    verdict: evaluateLineage(capability, find, now, isKnown ? findKnown : undefined),
    // What was revoked between the two is in neither: the caller asks for it from the earlier one on.
    position: isKnown ? earlier(knownAt, readAt) : readAt,
  };
  return resource?.type === "target" ? { target: resource, ...found } : found;
}

function earlier(one: Position, other: Position): Position {
  return one.sequence < other.sequence ? one : other;
}

function readCapability(snapshot: Snapshot, lookupId: Buffer): StoredCapability | undefined {
  const capability = snapshot.capability(lookupId);
  return capability !== undefined && timingSafeEqual(capability.lookupId, lookupId) ? capability : undefined;
}

function findFirst<T, U>(items: readonly T[], find: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function recordRequest(uid: Uid): ReadRequest {
  return { uids: [uid] };
}

export function isAlive(snapshot: Pick<Snapshot, "record">, uid: Uid, now: number): boolean {
  const record = snapshot.record(uid);
  return record !== undefined && evaluateLineage(record, snapshot.record, now).ok;
}

export function findTenant(snapshot: Snapshot, uid: Uid): StoredTenant | undefined {
  const record = snapshot.record(uid);
  return record?.type === "tenant" ? record : undefined;
}

export function findMembraneRecord(snapshot: Snapshot, uid: Uid): StoredMembrane | undefined {
  const record = snapshot.record(uid);
  return record?.type === "membrane" ? record : undefined;
}
