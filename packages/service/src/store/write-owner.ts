import type { FairOwner } from "../collections/fair-queue.ts";
import type { Capability } from "../domain/capability.ts";
import { storageOwners } from "../domain/storage-owners.ts";
import type { Uid } from "../domain/uid.ts";
import type { StoredRecord } from "./record.ts";

type Find = (uid: Uid) => StoredRecord | undefined;

/** Writes of the service itself and of the operator. */
export const NO_OWNER: FairOwner = { tenant: "", capability: "" };

/**
 * In whose turn records are created: that of the tenant whose disk space they take.
 *
 * @param actor the capability in whose turn it is. Default: the one that made the first of the records.
 */
export function ownerOfCreation(records: readonly StoredRecord[], get: Find, actor?: Capability): FairOwner {
  const created = new Map(records.map((record) => [record.uid, record]));
  const find: Find = (uid) => created.get(uid) ?? get(uid);
  const sources = actor === undefined ? records : [actor];
  const tenants = sources.map((record) => storageOwners(record, find).tenant);
  // A tenant that is being made has no turns yet: it is made in the turn of its maker.
  const tenant = tenants.find((uid) => uid !== undefined && !created.has(uid)) ?? NO_OWNER.tenant;
  const createdBy = records.find((record) => record.createdBy !== undefined)?.createdBy;
  return { tenant, capability: actor?.uid ?? createdBy ?? NO_OWNER.capability };
}

/** In whose turn a tenant or a membrane is revoked: that of the tenant itself. */
export function ownerOfRevocation(root: Uid, get: Find, actor: Uid | "operator"): FairOwner {
  const record = get(root);
  return { tenant: record?.type === "membrane" ? record.tenant : root, capability: actor };
}
