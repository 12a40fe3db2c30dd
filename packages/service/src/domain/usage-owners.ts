import type { LineageNode } from "./lineage.ts";
import type { Lineage } from "./linked-lineage.ts";
import type { Uid } from "./uid.ts";

/**
 * The owners that the use of a node counts against, where many share a limited resource. A re-export costs nothing to make: if
 * each counted separately, a holder could give itself any number of shares.
 */
export interface UsageOwners {
  /** The capability itself, and all that it re-exports, step by step. */
  readonly capabilities: readonly Uid[];
  /** All tenants in the lineage: those that delegated, and the one that received the delegation. */
  readonly tenants: readonly Uid[];
  /** The tenant through whose membrane it was made; for one of a tenant's own capabilities, that tenant. */
  readonly exporter?: Uid;
  /** The tenant that owns its target. */
  readonly targetOwner?: Uid;
}

export function usageOwnersOf(root: LineageNode, lineage: Lineage): UsageOwners {
  const { tenants } = lineage;
  if (root.type !== "capability") return { capabilities: [], tenants };
  const capabilities: Uid[] = [];
  for (let next: Lineage | undefined = lineage; next !== undefined; next = next.parent)
    capabilities.push(next.uid);
  const find = (uid: Uid | undefined): Lineage | undefined =>
    lineage.dependencies.find((dependency) => dependency.uid === uid);
  const resource = find(root.resource);
  const exporter = (root.membrane === undefined ? resource : find(root.membrane))?.tenant;
  const targetOwner = resource?.type === "target" ? resource.tenant : undefined;
  return {
    capabilities,
    tenants,
    ...(exporter === undefined ? {} : { exporter }),
    ...(targetOwner === undefined ? {} : { targetOwner }),
  };
}
