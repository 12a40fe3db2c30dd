import type { Decision, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { StoredCapability } from "../record.ts";
import { evaluateLineage } from "../../domain/lineage.ts";

/** A capability that was found by an older service key, and what replaces its lookup id and its payload. */
export interface CapabilityRekey extends Pick<StoredCapability, "lookupId" | "sealed"> {
  readonly from: StoredCapability;
}

/** What {@link decideCapabilityRekey} reads. */
export function capabilityRekeyRequest({ from, sealed }: CapabilityRekey): Omit<WriteRequest, "owner"> {
  return {
    // It leaves the space that is reserved for revokes.
    class: "create",
    lookupIds: [from.lookupId],
    replaces: [from.uid],
    size: { records: 1, sealedBytes: sealed.length },
  };
}

/**
 * Replaces them, unless another process was faster. What is dead keeps its old ones: its token is of no use, and it is swept.
 *
 * @returns whether they were replaced.
 */
export function decideCapabilityRekey(
  snapshot: WriteSnapshot,
  { from, lookupId, sealed }: CapabilityRekey,
  now: number,
): Decision<boolean> {
  const stored = snapshot.capability(from.lookupId);
  const isSame = stored?.lookupId.equals(from.lookupId) === true && stored.sealed.equals(from.sealed);
  if (!isSame || !evaluateLineage(stored, snapshot.record, now).ok) return { result: false, changes: [] };
  const record = { ...stored, lookupId, sealed };
  return { result: true, changes: [{ type: "replaceLookup", record, from: from.lookupId }] };
}
