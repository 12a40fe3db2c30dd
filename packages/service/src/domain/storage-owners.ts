import type { LineageNode } from "./lineage.ts";
import type { Uid } from "./uid.ts";

/** Whose shares of the disk a node takes: a membrane's and a tenant's, or one of them, or none. */
export interface StorageOwners {
  readonly membrane?: Uid;
  readonly tenant?: Uid;
}

/**
 * What went through a membrane, and what acts on it, takes of that membrane's share and of its tenant's; a membrane itself and a
 * tenant's own capabilities take of the tenant's; a tenant, and what the operator has, of none.
 *
 * @param find reads a node, those that are made together with `node` among them.
 */
export function storageOwners(node: LineageNode, find: (uid: Uid) => LineageNode | undefined): StorageOwners {
  switch (node.type) {
    case "tenant":
      return {};
    case "membrane":
      return { tenant: node.tenant };
    case "target":
      return ownersBelow(node.membrane, find);
    case "capability":
      return ownersBelow(node.through ?? node.subject, find);
  }
}

function ownersBelow(uid: Uid | undefined, find: (uid: Uid) => LineageNode | undefined): StorageOwners {
  const node = uid === undefined ? undefined : find(uid);
  if (node?.type === "tenant") return { tenant: node.uid };
  return node?.type === "membrane" ? { membrane: node.uid, tenant: node.tenant } : {};
}
