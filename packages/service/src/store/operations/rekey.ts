import type { Result } from "capability-protocol";
import { err } from "capability-protocol";
import type { CreationDenial, Quotas } from "../../domain/creation.ts";
import type { Uid } from "../../domain/uid.ts";
import type { Decision, WriteRequest, WriteSnapshot } from "../engine.ts";
import type { StoredCapability } from "../record.ts";
import { creationRequest, decideRecords } from "./create.ts";

/** A tenant's new public key, and the capabilities that are created with it. */
export interface Rekey {
  readonly tenant: Uid;
  readonly publicKey: Buffer;
  readonly capabilities: readonly StoredCapability[];
}

/** What {@link decideRekey} reads. */
export function rekeyRequest({ tenant, capabilities }: Rekey): Omit<WriteRequest, "owner"> {
  const creation = creationRequest({ records: capabilities });
  return { ...creation, uids: [tenant, ...creation.uids] };
}

export function decideRekey(
  snapshot: WriteSnapshot,
  { tenant: uid, publicKey, capabilities }: Rekey,
  quotas: Quotas,
  now: number,
): Decision<Result<void, CreationDenial>> {
  const tenant = snapshot.record(uid);
  if (tenant?.type !== "tenant")
    return { result: err({ reason: "lineage_dead" }), changes: [{ type: "forceCommit" }] };
  const { result, changes } = decideRecords(snapshot, { records: capabilities }, quotas, now);
  if (!result.ok) return { result, changes };
  return { result, changes: [...changes, { type: "update", record: { ...tenant, publicKey } }] };
}
