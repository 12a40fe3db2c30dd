import type { LineageNode } from "./lineage.ts";
import { storageOwners } from "./storage-owners.ts";
import type { Uid } from "./uid.ts";

/** How much disk space may be taken, in bytes. */
export interface StorageQuotas {
  /** What went through one membrane, or acts on it. */
  readonly storedBytesPerMembrane: number;
  /** All membranes of one tenant together, and its own capabilities. */
  readonly storedBytesPerTenant: number;
}

/** A share of the disk space that is used up. */
export interface StorageDenial {
  readonly reason: "storage_exceeded";
  readonly type: "tenant" | "membrane";
  readonly limit: number;
}

/** What the decision reads, all of one snapshot. */
export interface StorageSnapshot {
  find(uid: Uid): LineageNode | undefined;
  /** How many bytes a node takes that is to be made. */
  sizeOf(node: LineageNode): number;
  /** How many bytes a membrane or a tenant has taken. What is dead counts until it is swept. */
  storedBytes(owner: Uid): number;
}

/** Decides whether the shares of the disk have room for `nodes`. */
export function checkStorage(
  nodes: readonly LineageNode[],
  snapshot: StorageSnapshot,
  quotas: StorageQuotas,
): StorageDenial | undefined {
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
      return { reason: "storage_exceeded", type: "membrane", limit: storedBytesPerMembrane };
    if (isExceeded(tenant, size, storedBytesPerTenant))
      return { reason: "storage_exceeded", type: "tenant", limit: storedBytesPerTenant };
  }
  return undefined;
}
