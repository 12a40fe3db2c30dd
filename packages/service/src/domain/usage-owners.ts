import type { LineageNode } from "./lineage.ts";
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

/** @param nodes the whole lineage of `root`. */
export function usageOwnersOf(root: LineageNode, nodes: ReadonlyMap<Uid, LineageNode>): UsageOwners {
  const tenants = [...nodes.values()].filter(({ type }) => type === "tenant").map(({ uid }) => uid);
  if (root.type !== "capability") return { capabilities: [], tenants };
  const capabilities = [root.uid];
  for (let { parent } = root; parent !== undefined;) {
    const node = nodes.get(parent);
    // Stops at a cycle, which a damaged store could have.
    if (node?.type !== "capability" || capabilities.includes(node.uid)) break;
    capabilities.push(node.uid);
    ({ parent } = node);
  }
  const resource = nodes.get(root.resource ?? root.uid);
  const exporter = tenantOf(root.membrane === undefined ? resource : nodes.get(root.membrane), nodes);
  const targetOwner = resource?.type === "target" ? tenantOf(resource, nodes) : undefined;
  return {
    capabilities,
    tenants,
    ...(exporter === undefined ? {} : { exporter }),
    ...(targetOwner === undefined ? {} : { targetOwner }),
  };
}

/** The tenant that a tenant, a membrane or a target belongs to. */
function tenantOf(node: LineageNode | undefined, nodes: ReadonlyMap<Uid, LineageNode>): Uid | undefined {
  if (node === undefined || node.type === "capability") return undefined;
  if (node.type === "tenant") return node.uid;
  return node.type === "membrane" ? node.tenant : tenantOf(nodes.get(node.membrane), nodes);
}
