import type { LineageNode } from "./lineage.ts";
import type { Uid } from "./uid.ts";

/** The membrane and the tenant whose shares of the disk a node takes, if any. */
export interface StorageOwners {
  readonly membrane?: Uid;
  readonly tenant?: Uid;
}

/**
 * A capability that went through a membrane, or acts on it, takes space from the shares of that membrane and of its tenant. A
 * membrane and a tenant's own capabilities take it from the tenant's share, a tenant and the operator's capabilities from none.
 *
 * @param find reads a node, including those that are made together with `node`.
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
      return ownersBelow(node.membrane ?? node.resource, find);
  }
}

function ownersBelow(uid: Uid | undefined, find: (uid: Uid) => LineageNode | undefined): StorageOwners {
  const node = uid === undefined ? undefined : find(uid);
  if (node?.type === "tenant") return { tenant: node.uid };
  return node?.type === "membrane" ? { membrane: node.uid, tenant: node.tenant } : {};
}
