import type { LineageNode } from "./lineage.ts";
import type { Uid } from "./uid.ts";

/**
 * The membrane and the tenant whose share of the disk a node takes, in this order: for what went through a membrane, that
 * membrane and its tenant; for a membrane and its own capabilities, its tenant; for a tenant and the operator's, none.
 *
 * @param find reads a node, those that are made together with `node` among them.
 */
export function storageOwners(
  node: LineageNode,
  find: (uid: Uid) => LineageNode | undefined,
): { readonly membrane?: Uid; readonly tenant?: Uid } {
  switch (node.type) {
    case "tenant":
      return {};
    case "membrane":
      return { tenant: node.tenant };
    case "target":
      return { membrane: node.membrane, ...tenantOf(node.membrane, find) };
    case "capability":
      if (node.through !== undefined) return { membrane: node.through, ...tenantOf(node.through, find) };
      return node.subject === undefined ? {} : tenantOf(node.subject, find);
  }
}

function tenantOf(uid: Uid, find: (uid: Uid) => LineageNode | undefined): { readonly tenant?: Uid } {
  const node = find(uid);
  if (node?.type === "tenant") return { tenant: node.uid };
  return node?.type === "membrane" ? { tenant: node.tenant } : {};
}
