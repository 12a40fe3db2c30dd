import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import { visitDepthFirst } from "../collections/depth-first.ts";
import type { Capability } from "./capability.ts";
import { ignoresRevokedResource } from "./capability.ts";
import { Lineage } from "./linked-lineage.ts";
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
  readonly lineage: Lineage;
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

/** A node with what it points to. */
interface Expanded {
  readonly node: LineageNode;
  readonly steps: readonly Dependency[];
}

/** Finds the lineage of a node that is known to hold, so that nothing of it is read. */
export type FindKnown = (uid: Uid) => Lineage | undefined;

/**
 * Computes whether a node is alive: it exists, is not revoked, has not expired, and everything it points to is alive. A lineage is
 * a graph in which paths can double at each step, so every node is expanded once.
 *
 * @param find reads a node from the same snapshot for the whole walk.
 * @param now the time of day in milliseconds since 1970.
 * @param findKnown what is known of nodes. The verdict is the same without it. Default: nothing.
 */
export function evaluateLineage(
  root: LineageNode,
  find: (uid: Uid) => LineageNode | undefined,
  now: number,
  findKnown: FindKnown = () => undefined,
): Verdict {
  const expanded = new Map<Uid, Expanded>();
  const known = new Map<Uid, Lineage>();
  const checked = new Set<Uid>();
  const pending: Dependency[] = [{ to: root.uid, ignoresRevocation: false }];
  for (let dependency = pending.pop(); dependency !== undefined; dependency = pending.pop()) {
    const { to, ignoresRevocation } = dependency;
    if (checked.has(to) || (ignoresRevocation && (expanded.has(to) || known.has(to)))) continue;
    const lineage = to === root.uid ? undefined : findKnown(to);
    if (lineage !== undefined && holds(lineage, ignoresRevocation, now)) {
      known.set(to, lineage);
      if (!lineage.isRevoked) checked.add(to);
      continue;
    }
    const node = to === root.uid ? root : find(to);
    if (node === undefined) return err({ cause: "missing", at: to });
    if (!ignoresRevocation) {
      if ("revoked" in node && node.revoked) return err({ cause: "revoked", at: node.uid });
      checked.add(node.uid);
    }
    if (expanded.has(node.uid)) continue;
    if (node.type === "capability" && node.expiresAt !== undefined && node.expiresAt <= now)
      return err({ cause: "expired", at: node.uid });
    const steps = dependencies(node);
    expanded.set(node.uid, { node, steps });
    pending.push(...steps);
  }
  const lineage = linkLineage({ node: root, steps: dependencies(root) }, expanded, known);
  const { expiresAt } = lineage;
  return ok({
    lineage,
    usageOwners: usageOwnersOf(root, lineage),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
}

function holds({ isRevoked, expiresAt }: Lineage, ignoresRevocation: boolean, now: number): boolean {
  return (ignoresRevocation || !isRevoked) && (expiresAt === undefined || now < expiresAt);
}

/** A node that depends on itself, which a damaged store could have, is left out where that is seen. */
function linkLineage(
  root: Expanded,
  expanded: ReadonlyMap<Uid, Expanded>,
  known: ReadonlyMap<Uid, Lineage>,
): Lineage {
  const linked = new Map<Uid, Lineage>(known);
  const unlinked = ({ steps }: Expanded): Expanded[] => {
    const missing: Expanded[] = [];
    for (const { to } of steps) {
      const next = to === root.node.uid || linked.has(to) ? undefined : expanded.get(to);
      if (next !== undefined) missing.push(next);
    }
    return missing;
  };
  const link = ({ node, steps }: Expanded): Lineage => {
    const dependsOn: Lineage[] = [];
    for (const { to } of steps) {
      const lineage = linked.get(to);
      if (lineage !== undefined && !dependsOn.includes(lineage)) dependsOn.push(lineage);
    }
    const lineage = new Lineage(node, dependsOn);
    linked.set(node.uid, lineage);
    return lineage;
  };
  for (const next of unlinked(root)) if (!linked.has(next.node.uid)) visitDepthFirst(next, unlinked, link);
  return link(root);
}

function strictDependencies(...uids: readonly (Uid | undefined)[]): Dependency[] {
  const all: Dependency[] = [];
  for (const to of uids) if (to !== undefined) all.push({ to, ignoresRevocation: false });
  return all;
}

function resourceDependency(capability: Capability): Dependency[] {
  if (capability.resource === undefined) return [];
  return [{ to: capability.resource, ignoresRevocation: ignoresRevokedResource(capability.kind) }];
}
