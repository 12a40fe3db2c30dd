import type { LineageNode } from "./lineage.ts";
import { judge } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import type { Quota, QuotaDenial, Quotas } from "./quota.ts";
import { checkQuotas } from "./quota.ts";
import type { StorageDenial, StorageQuotas, StorageSnapshot } from "./storage-quota.ts";
import { checkStorage } from "./storage-quota.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";

/** Why something was not made. */
export type MakingDenial =
  /** Something in the lineage does not work any more: whoever revoked it won the race. */
  | { readonly reason: "lineage_dead" }
  | { readonly reason: "name_taken"; readonly type: "tenant" | "membrane" }
  | { readonly reason: "lineage_limit"; readonly limit: number }
  | QuotaDenial
  | StorageDenial;

/** How much may be made. */
export interface MakingLimits extends Quotas, StorageQuotas {
  /** Nodes in one lineage. */
  readonly lineageNodes: number;
}

/** What the decision reads, all of one snapshot. */
export interface Snapshot extends StorageSnapshot {
  /** How many nodes count against a quota. */
  heldBy(quota: Quota): number;
  /** The node that holds the name of `node` now. */
  nameHolder(node: Tenant | Membrane): LineageNode | undefined;
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
  return checkQuotas(nodes, snapshot.heldBy, limits) ?? checkStorage(nodes, { ...snapshot, find }, limits);
}
