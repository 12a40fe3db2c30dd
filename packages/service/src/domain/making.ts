import type { LineageNode } from "./lineage.ts";
import { judge } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";

/** Why something was not made. */
export type MakingDenial =
  /** Something in the lineage does not work any more: whoever revoked it won the race. */
  | { readonly reason: "lineage_dead" }
  | { readonly reason: "name_taken"; readonly type: "tenant" | "membrane" }
  | { readonly reason: "lineage_limit"; readonly limit: number }
  /** As much was made in it as it may hold. */
  | { readonly reason: "full"; readonly type: "tenant" | "membrane"; readonly limit: number };

/** How much may be made. */
export interface MakingLimits {
  /** Nodes in one lineage. */
  readonly lineageNodes: number;
  /** Capabilities that went through one membrane. */
  readonly capabilitiesPerMembrane: number;
  /** Membranes that have a name in one tenant. */
  readonly membranesPerTenant: number;
}

/** What the decision reads, all of one snapshot. */
export interface Snapshot {
  find(uid: Uid): LineageNode | undefined;
  /** How many nodes count against this one. */
  heldBy(uid: Uid): number;
  /** The node that holds the name of `node` now. */
  nameHolder(node: Tenant | Membrane): LineageNode | undefined;
}

/** What a node counts against: a membrane against its tenant, a capability against the membrane that it went through. */
export function holderOf(node: LineageNode): Uid | undefined {
  if (node.type === "membrane") return node.tenant;
  return node.type === "capability" ? node.through : undefined;
}

/** Decides whether `nodes` may be made together. They may point to each other. */
export function denyMaking(
  nodes: readonly LineageNode[],
  snapshot: Snapshot,
  limits: MakingLimits,
): MakingDenial | undefined {
  const made = new Map(nodes.map((node) => [node.uid, node]));
  const find = (uid: Uid): LineageNode | undefined => made.get(uid) ?? snapshot.find(uid);
  for (const node of nodes) {
    const verdict = judge(node, find);
    if (!verdict.alive) return { reason: "lineage_dead" };
    const { lineageNodes } = limits;
    if (verdict.lineage.size > lineageNodes) return { reason: "lineage_limit", limit: lineageNodes };
    if (node.type !== "tenant" && node.type !== "membrane") continue;
    const holder = snapshot.nameHolder(node);
    if (holder !== undefined && judge(holder, find).alive) return { reason: "name_taken", type: node.type };
  }
  return denyRoom(nodes, snapshot, limits);
}

/** What is dead counts until it is swept. */
function denyRoom(
  nodes: readonly LineageNode[],
  snapshot: Snapshot,
  limits: MakingLimits,
): MakingDenial | undefined {
  const added = new Map<Uid, number>();
  for (const node of nodes) {
    const holder = holderOf(node);
    if (holder === undefined) continue;
    const count = (added.get(holder) ?? snapshot.heldBy(holder)) + 1;
    const [type, limit] =
      node.type === "membrane"
        ? (["tenant", limits.membranesPerTenant] as const)
        : (["membrane", limits.capabilitiesPerMembrane] as const);
    if (count > limit) return { reason: "full", type, limit };
    added.set(holder, count);
  }
  return undefined;
}
