import type { Capability } from "./capability.ts";
import { forgivesItsSubject } from "./capability.ts";
import type { Membrane } from "./membrane.ts";
import type { Payers } from "./payers.ts";
import { payersOf } from "./payers.ts";
import type { Target } from "./target.ts";
import type { Tenant } from "./tenant.ts";
import type { Uid } from "./uid.ts";

/** Anything that a lineage runs through. */
export type LineageNode = Tenant | Membrane | Target | Capability;

/** One step of a lineage. */
export interface Pointer {
  readonly to: Uid;
  /** The step holds even if the node it leads to is revoked itself; what lies behind that node counts all the same. */
  readonly forgiving: boolean;
}

/**
 * Whether a node works now, and the uids of all it depends on (its own included): what a cached verdict must be dropped
 * for.
 */
export type Verdict =
  | { readonly alive: true; readonly lineage: ReadonlySet<Uid>; readonly payers: Payers }
  | { readonly alive: false; readonly cause: "missing" | "revoked"; readonly at: Uid };

/** All that `node` points to. */
export function pointers(node: LineageNode): readonly Pointer[] {
  switch (node.type) {
    case "tenant":
      return strict(node.madeWith);
    case "membrane":
      return strict(node.tenant, node.madeWith);
    case "target":
      return strict(node.membrane, node.madeWith);
    case "capability":
      return [...subjectOf(node), ...strict(node.parent, node.through, node.madeWith)];
  }
}

/**
 * Alive is a question, asked afresh: a node is alive if it exists, is not revoked, and all it points to is alive.
 * A lineage is a graph in which paths can double at each step, so every node is expanded once.
 *
 * @param find reads a node from the same snapshot for the whole walk.
 */
export function judge(root: LineageNode, find: (uid: Uid) => LineageNode | undefined): Verdict {
  const expanded = new Map<Uid, LineageNode>();
  const judged = new Set<Uid>();
  const open: Pointer[] = [{ to: root.uid, forgiving: false }];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    if (judged.has(step.to) || (step.forgiving && expanded.has(step.to))) continue;
    const node = step.to === root.uid ? root : find(step.to);
    if (node === undefined) return { alive: false, cause: "missing", at: step.to };
    if (!step.forgiving) {
      if ("revoked" in node && node.revoked) return { alive: false, cause: "revoked", at: node.uid };
      judged.add(node.uid);
    }
    if (expanded.has(node.uid)) continue;
    expanded.set(node.uid, node);
    open.push(...pointers(node));
  }
  return { alive: true, lineage: new Set(expanded.keys()), payers: payersOf(root, expanded) };
}

function strict(...uids: readonly (Uid | undefined)[]): Pointer[] {
  return uids.flatMap((to) => (to === undefined ? [] : [{ to, forgiving: false }]));
}

function subjectOf(capability: Capability): Pointer[] {
  if (capability.subject === undefined) return [];
  return [{ to: capability.subject, forgiving: forgivesItsSubject(capability.kind) }];
}
