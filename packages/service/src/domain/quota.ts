import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { LineageNode } from "./lineage.ts";
import type { Membrane } from "./membrane.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";
import { parseUid } from "./uid.ts";

/** The owner of the tenants: the service itself, which has no record. */
export const SERVICE_OWNER: Uid = parseUid("0".repeat(32));

/** A limit on what counts against one owner. */
export interface Quota {
  readonly owner: Uid;
  readonly kind: QuotaKind;
}

/**
 * `capabilities` went through a membrane; `ownCapabilities` act on a tenant and went through none; `membranes` and
 * `tenants` have a name.
 */
export type QuotaKind = "tenants" | "membranes" | "capabilities" | "ownCapabilities";

/** The limits on what is counted. */
export interface CountQuotas {
  /** Tenants of the service. */
  readonly maxTenants: number;
  /** Membranes that have a name in one tenant. */
  readonly maxMembranesPerTenant: number;
  /** Capabilities that act on one tenant and went through no membrane: three at first, and three more with each reissue. */
  readonly maxOwnCapabilitiesPerTenant: number;
  /** Capabilities that went through one membrane. */
  readonly maxCapabilitiesPerMembrane: number;
}

/** Everything that is counted, with its limit and the type of its owner. */
const QUOTAS_BY_KIND: Readonly<
  Record<QuotaKind, { readonly limit: keyof CountQuotas; readonly owner: "service" | "tenant" | "membrane" }>
> = {
  tenants: { limit: "maxTenants", owner: "service" },
  membranes: { limit: "maxMembranesPerTenant", owner: "tenant" },
  ownCapabilities: { limit: "maxOwnCapabilitiesPerTenant", owner: "tenant" },
  capabilities: { limit: "maxCapabilitiesPerMembrane", owner: "membrane" },
};

const QUOTA_KINDS: readonly QuotaKind[] = ["tenants", "membranes", "ownCapabilities", "capabilities"];

/** The quotas of a record as an owner. */
export function quotasOf(owner: Tenant | Membrane): Quota[] {
  return QUOTA_KINDS.filter((kind) => QUOTAS_BY_KIND[kind].owner === owner.type).map((kind) => ({
    owner: owner.uid,
    kind,
  }));
}

/**
 * The quota that a node counts against. Every node that can be made repeatedly counts, since without a limit it could fill the
 * disk.
 *
 * @returns nothing for a node that is made only together with one that counts ({@link isPartOf}).
 */
export function quotaOf(node: LineageNode): Quota | undefined {
  switch (node.type) {
    case "tenant":
      return { owner: SERVICE_OWNER, kind: "tenants" };
    case "membrane":
      return { owner: node.tenant, kind: "membranes" };
    case "target":
      return undefined;
    case "capability":
      if (node.membrane !== undefined) return { owner: node.membrane, kind: "capabilities" };
      if (node.resource === undefined || node.kind === "export" || node.kind === "revoke") return undefined;
      return { owner: node.resource, kind: "ownCapabilities" };
  }
}

/** Whether `part`, which does not count, is made with `whole`: a target with its capability, a capability with its membrane. */
function isPartOf(part: LineageNode, whole: LineageNode): boolean {
  if (quotaOf(whole) === undefined) return false;
  if (part.type === "target") return whole.type === "capability" && whole.resource === part.uid;
  if (part.type !== "capability") return false;
  // The operator's `provision` is made once, with the first tenant.
  return part.resource === undefined ? whole.type === "tenant" : whole.uid === part.resource;
}

/** A limit that was reached. */
export interface QuotaDenial {
  readonly reason: "full";
  readonly type: "service" | "tenant" | "membrane";
  readonly kind: QuotaKind;
  readonly limit: number;
}

/**
 * Decides whether there is room for `nodes`. A dead node counts until it is swept.
 *
 * @param countOwned returns how many nodes count against a quota already.
 * @throws Error if a node would count against no quota.
 */
export function checkQuotas(
  nodes: readonly LineageNode[],
  countOwned: (quota: Quota) => number,
  quotas: CountQuotas,
): Result<void, QuotaDenial> {
  const added = new Map<string, number>();
  for (const node of nodes) {
    const quota = quotaOf(node);
    if (quota === undefined) {
      if (!nodes.some((whole) => isPartOf(node, whole)))
        throw new Error("a new node counts against no quota");
      continue;
    }
    const key = `${quota.kind} ${quota.owner}`;
    const count = (added.get(key) ?? countOwned(quota)) + 1;
    const { limit: name, owner: type } = QUOTAS_BY_KIND[quota.kind];
    const limit = quotas[name];
    if (count > limit) return err({ reason: "full", type, kind: quota.kind, limit });
    added.set(key, count);
  }
  return ok(undefined);
}
