import { timingSafeEqual } from "node:crypto";
import { evaluateLineage } from "../../domain/lineage.ts";
import type { Uid } from "../../domain/uid.ts";
import type { ReadRequest, Snapshot } from "../engine.ts";
import type { StoredMembrane, StoredTenant } from "../record.ts";
import type { FoundCapability } from "../store.ts";
import { memoizedRecords } from "./records.ts";

export function capabilityRequest(lookupId: Buffer): ReadRequest {
  return { lookupIds: [lookupId] };
}

export function findCapability(
  snapshot: Snapshot,
  lookupId: Buffer,
  now: number,
): FoundCapability | undefined {
  const capability = snapshot.capability(lookupId);
  if (capability === undefined || !timingSafeEqual(capability.lookupId, lookupId)) return undefined;
  const find = memoizedRecords(snapshot);
  const resource = capability.resource === undefined ? undefined : find(capability.resource);
  const found = {
    capability,
    verdict: evaluateLineage(capability, find, now),
    position: snapshot.position(),
  };
  return resource?.type === "target" ? { ...found, target: resource } : found;
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
