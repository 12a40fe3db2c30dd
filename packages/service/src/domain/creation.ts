import type { Result } from "capability-protocol";
import { err } from "capability-protocol";
import type { LineageNode } from "./lineage.ts";
import { evaluateLineage } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import type { Quota, QuotaDenial, CountQuotas } from "./quota.ts";
import { checkQuotas } from "./quota.ts";
import type { StorageDenial, StorageQuotas, StorageSnapshot } from "./storage-quota.ts";
import { checkStorage } from "./storage-quota.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import type { UseDenial } from "./use-counter.ts";

/** Why a creation is denied. */
export type CreationDenial =
  /** Something in the lineage is revoked or has expired: that won the race. */
  | { readonly reason: "lineage_dead" }
  | { readonly reason: "name_taken"; readonly type: "tenant" | "membrane" }
  | { readonly reason: "lineage_too_large"; readonly limit: number }
  | QuotaDenial
  | StorageDenial
  /** The capability that creates may not be used (any more, or for now). */
  | UseDenial;

/** How much may be made. */
export interface Quotas extends CountQuotas, StorageQuotas {
  /** Nodes in one lineage. */
  readonly maxLineageNodes: number;
}

/** What the decision reads, all from one snapshot. */
export interface CreationSnapshot extends StorageSnapshot {
  /** How many nodes count against a quota. */
  countOwned(quota: Quota): number;
  /** The node that has the name of `node` now. */
  findByName(node: Tenant | Membrane): LineageNode | undefined;
}

/**
 * Decides whether `nodes`, which may point to each other, may be made together.
 *
 * @param now the time of day in milliseconds since 1970.
 */
export function checkCreation(
  nodes: readonly LineageNode[],
  snapshot: CreationSnapshot,
  quotas: Quotas,
  now: number,
): Result<void, CreationDenial> {
  const created = new Map(nodes.map((node) => [node.uid, node]));
  const find = (uid: Uid): LineageNode | undefined => created.get(uid) ?? snapshot.find(uid);
  for (const node of nodes) {
    const verdict = evaluateLineage(withoutExpiry(node), find, now);
    if (!verdict.ok) return err({ reason: "lineage_dead" });
    const { maxLineageNodes } = quotas;
    if (verdict.value.lineage.size > maxLineageNodes)
      return err({ reason: "lineage_too_large", limit: maxLineageNodes });
    if (node.type !== "tenant" && node.type !== "membrane") continue;
    const existing = snapshot.findByName(node);
    if (existing !== undefined && evaluateLineage(existing, find, now).ok)
      return err({ reason: "name_taken", type: node.type });
  }
  const counted = checkQuotas(nodes, snapshot.countOwned, quotas);
  return counted.ok ? checkStorage(nodes, { ...snapshot, find }, quotas) : counted;
}

/** A new capability may have expired already: limits that are never met are allowed. */
function withoutExpiry(node: LineageNode): LineageNode {
  if (node.type !== "capability") return node;
  const { expiresAt: _, ...rest } = node;
  return rest;
}
