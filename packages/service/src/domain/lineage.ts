import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import type { Capability } from "./capability.ts";
import { ignoresRevokedResource } from "./capability.ts";
import type { Membrane } from "./membrane.ts";
import type { UsageOwners } from "./usage-owners.ts";
import { usageOwnersOf } from "./usage-owners.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";

/** A node of a lineage. */
export type LineageNode = Tenant | Membrane | Target | Capability;

/** One step of a lineage. */
export interface Dependency {
  readonly to: Uid;
  /** Holds even if the node it leads to is revoked itself; a revoke further up still counts. */
  readonly ignoresRevocation: boolean;
}

/** Whether a node works now. */
export type Verdict = Result<LiveLineage, DeadLineage>;

export interface LiveLineage {
  /** All that the node depends on, itself included: a cached resolution is dropped when one of these is revoked. */
  readonly lineage: ReadonlySet<Uid>;
  readonly usageOwners: UsageOwners;
  /** The earliest expiry in the lineage, in milliseconds since 1970. Absent: nothing in it expires. */
  readonly expiresAt?: number;
}

export interface DeadLineage {
  readonly cause: "missing" | "revoked" | "expired";
  readonly at: Uid;
}

/** Everything that `node` points to. */
export function dependencies(node: LineageNode): readonly Dependency[] {
  switch (node.type) {
    case "tenant":
      return strictDependencies(node.createdBy);
    case "membrane":
      return strictDependencies(node.tenant, node.createdBy);
    case "target":
      return strictDependencies(node.membrane, node.createdBy);
    case "capability":
      return [...resourceDependency(node), ...strictDependencies(node.parent, node.membrane, node.createdBy)];
  }
}

/**
 * Computes whether a node is alive: it exists, is not revoked, has not expired, and everything it points to is alive. A lineage is
 * a graph in which paths can double at each step, so every node is expanded once.
 *
 * @param find reads a node from the same snapshot for the whole walk.
 * @param now the time of day in milliseconds since 1970.
 */
export function evaluateLineage(
  root: LineageNode,
  find: (uid: Uid) => LineageNode | undefined,
  now: number,
): Verdict {
  const expanded = new Map<Uid, LineageNode>();
  const checked = new Set<Uid>();
  const pending: Dependency[] = [{ to: root.uid, ignoresRevocation: false }];
  let expiresAt = Number.POSITIVE_INFINITY;
  for (let dependency = pending.pop(); dependency !== undefined; dependency = pending.pop()) {
    if (checked.has(dependency.to) || (dependency.ignoresRevocation && expanded.has(dependency.to))) continue;
    const node = dependency.to === root.uid ? root : find(dependency.to);
    if (node === undefined) return err({ cause: "missing", at: dependency.to });
    if (!dependency.ignoresRevocation) {
      if ("revoked" in node && node.revoked) return err({ cause: "revoked", at: node.uid });
      checked.add(node.uid);
    }
    if (expanded.has(node.uid)) continue;
    if (node.type === "capability" && node.expiresAt !== undefined) {
      if (node.expiresAt <= now) return err({ cause: "expired", at: node.uid });
      expiresAt = Math.min(expiresAt, node.expiresAt);
    }
    expanded.set(node.uid, node);
    pending.push(...dependencies(node));
  }
  return ok({
    lineage: new Set(expanded.keys()),
    usageOwners: usageOwnersOf(root, expanded),
    ...(expiresAt === Number.POSITIVE_INFINITY ? {} : { expiresAt }),
  });
}

function strictDependencies(...uids: readonly (Uid | undefined)[]): Dependency[] {
  return uids.flatMap((to) => (to === undefined ? [] : [{ to, ignoresRevocation: false }]));
}

function resourceDependency(capability: Capability): Dependency[] {
  if (capability.resource === undefined) return [];
  return [{ to: capability.resource, ignoresRevocation: ignoresRevokedResource(capability.kind) }];
}
