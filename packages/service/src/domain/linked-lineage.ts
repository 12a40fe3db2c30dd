import type { LineageNode } from "./lineage.ts";
import type { Uid } from "./uid.ts";

/**
 * A node that is there, with all that it depends on: each of these holds, too. Nodes are linked and not listed, so that whatever
 * depends on one of them shares what is above it, and is made without a look at it.
 */
export class Lineage implements Iterable<Uid> {
  readonly uid: Uid;
  readonly type: LineageNode["type"];
  /** It is revoked itself: only what ignores that may depend on it. */
  readonly isRevoked: boolean;
  readonly dependencies: readonly Lineage[];
  /** That of the capability it re-exports. */
  readonly parent: Lineage | undefined;
  /** The tenant that a tenant, a membrane or a target belongs to. */
  readonly tenant: Uid | undefined;
  /** All tenants in it. */
  readonly tenants: readonly Uid[];
  /** The earliest expiry in it, in milliseconds since 1970. */
  readonly expiresAt: number | undefined;

  /** @param dependencies of all that the node points to. */
  constructor(node: LineageNode, dependencies: readonly Lineage[]) {
    const find = (uid: Uid | undefined): Lineage | undefined =>
      uid === undefined ? undefined : dependencies.find((dependency) => dependency.uid === uid);
    this.uid = node.uid;
    this.type = node.type;
    this.isRevoked = "revoked" in node && node.revoked;
    this.dependencies = dependencies;
    this.parent = node.type === "capability" ? find(node.parent) : undefined;
    this.tenant = tenantOf(node, find);
    this.tenants = tenantsOf(node, dependencies);
    this.expiresAt = earliest(node.type === "capability" ? node.expiresAt : undefined, dependencies);
  }

  /** The uids of the node and of all that it depends on, each once, its own first. */
  [Symbol.iterator](): Iterator<Uid> {
    return this.#uids().values();
  }

  /** How many nodes it has. */
  get size(): number {
    return this.#uids().size;
  }

  #uids(): ReadonlySet<Uid> {
    const uids = new Set([this.uid]);
    const pending: Lineage[] = [this];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const dependency of next.dependencies) {
        if (uids.has(dependency.uid)) continue;
        uids.add(dependency.uid);
        pending.push(dependency);
      }
    }
    return uids;
  }
}

function tenantOf(node: LineageNode, find: (uid: Uid) => Lineage | undefined): Uid | undefined {
  switch (node.type) {
    case "tenant":
      return node.uid;
    case "membrane":
      return node.tenant;
    case "target":
      return find(node.membrane)?.tenant;
    case "capability":
      return undefined;
  }
}

/** The list of a dependency if that has them all, as nearly always: it is then shared. */
function tenantsOf(node: LineageNode, dependencies: readonly Lineage[]): readonly Uid[] {
  let all: readonly Uid[] = node.type === "tenant" ? [node.uid] : [];
  for (const { tenants } of dependencies) {
    const known = all;
    const missing = tenants.filter((uid) => !known.includes(uid));
    if (missing.length > 0) all = all.length === 0 ? tenants : all.concat(missing);
  }
  return all;
}

function earliest(own: number | undefined, dependencies: readonly Lineage[]): number | undefined {
  let time = own ?? Number.POSITIVE_INFINITY;
  for (const { expiresAt } of dependencies) if (expiresAt !== undefined && expiresAt < time) time = expiresAt;
  return time === Number.POSITIVE_INFINITY ? undefined : time;
}
