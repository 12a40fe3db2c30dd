import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { LineageNode } from "./lineage.ts";
import { storageOwners } from "./storage-owners.ts";
import type { Uid } from "./uid.ts";

/** The limits on disk space, in bytes. */
export interface StorageQuotas {
  /** For all that went through one membrane, or acts on it. */
  readonly storedBytesPerMembrane: number;
  /** For all membranes of one tenant together, and its own capabilities. */
  readonly storedBytesPerTenant: number;
}

/** A share of the disk space that is used up. */
export interface StorageDenial {
  readonly reason: "storage_exceeded";
  readonly type: "tenant" | "membrane";
  readonly limit: number;
}

/** What the decision reads, all from one snapshot. */
export interface StorageSnapshot {
  find(uid: Uid): LineageNode | undefined;
  /** How many bytes a new node would take. */
  sizeOf(node: LineageNode): number;
  /** How many bytes a membrane or a tenant has taken. A dead node counts until it is swept. */
  storedBytes(owner: Uid): number;
}

/** Decides whether the shares of the disk have room for `nodes`. */
export function checkStorage(
  nodes: readonly LineageNode[],
  snapshot: StorageSnapshot,
  quotas: StorageQuotas,
): Result<void, StorageDenial> {
  const used = new Map<Uid, number>();
  const isExceeded = (owner: Uid | undefined, size: number, limit: number): boolean => {
    if (owner === undefined) return false;
    const bytes = (used.get(owner) ?? snapshot.storedBytes(owner)) + size;
    used.set(owner, bytes);
    return bytes > limit;
  };
  for (const node of nodes) {
    const { membrane, tenant } = storageOwners(node, snapshot.find);
    const size = snapshot.sizeOf(node);
    const { storedBytesPerMembrane, storedBytesPerTenant } = quotas;
    if (isExceeded(membrane, size, storedBytesPerMembrane))
      return err({ reason: "storage_exceeded", type: "membrane", limit: storedBytesPerMembrane });
    if (isExceeded(tenant, size, storedBytesPerTenant))
      return err({ reason: "storage_exceeded", type: "tenant", limit: storedBytesPerTenant });
  }
  return ok(undefined);
}
