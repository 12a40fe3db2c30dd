import { visitDepthFirst } from "../collections/depth-first.ts";
import { SmallSet } from "../collections/small-set.ts";
import type { Lineage } from "../domain/linked-lineage.ts";
import type { Uid } from "../domain/uid.ts";

/**
 * Finds what depends on a node: items by the nodes of their lineages. It keeps a node as long as an item depends on it, and nodes are
 * linked as in their lineages, so that an item whose ancestors are there costs the same at any depth.
 */
export interface LineageIndex<T extends object | string> {
  add(lineage: Lineage, item: T): void;
  remove(lineage: Lineage, item: T): void;
  /** The lineage of a node that an item depends on. */
  find(uid: Uid): Lineage | undefined;
  /** The items whose lineage holds any of `uids`; all items for `everything`. A copy: items may be removed while it is read. */
  dependentsOf(uids: ReadonlySet<Uid> | "everything"): ReadonlySet<T>;
}

/** A node, with the items whose lineage it is, and the nodes that point to it. */
interface Entry<T extends object | string> {
  readonly lineage: Lineage;
  /** Most nodes have one of the two. */
  items?: SmallSet<T>;
  dependents?: SmallSet<Entry<T>>;
}

export function createLineageIndex<T extends object | string>(): LineageIndex<T> {
  const byUid = new Map<Uid, Entry<T>>();
  const isAbsent = ({ uid }: Lineage): boolean => !byUid.has(uid);
  const insert = (lineage: Lineage): void => {
    // A lineage that was made of several may have a node twice.
    if (!isAbsent(lineage)) return;
    const entry: Entry<T> = { lineage };
    byUid.set(lineage.uid, entry);
    for (const { uid } of lineage.dependencies) {
      const dependency = byUid.get(uid);
      if (dependency !== undefined) (dependency.dependents ??= new SmallSet()).add(entry);
    }
  };
  /** Drops a node that nothing depends on any more, and those above it that nothing else depends on. */
  const prune = (lineage: Lineage): void => {
    const pending = [lineage];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const entry = byUid.get(next.uid);
      if (entry === undefined || isUsed(entry.items) || isUsed(entry.dependents)) continue;
      byUid.delete(next.uid);
      for (const dependency of entry.lineage.dependencies) {
        byUid.get(dependency.uid)?.dependents?.delete(entry);
        pending.push(dependency);
      }
    }
  };
  return {
    add(lineage, item) {
      // A node never points to others than when it was made, so that any lineage of it is the same.
      if (isAbsent(lineage))
        visitDepthFirst(lineage, ({ dependencies }) => dependencies.filter(isAbsent), insert);
      const entry = byUid.get(lineage.uid);
      if (entry !== undefined) (entry.items ??= new SmallSet()).add(item);
    },
    remove(lineage, item) {
      byUid.get(lineage.uid)?.items?.delete(item);
      prune(lineage);
    },
    find: (uid) => byUid.get(uid)?.lineage,
    dependentsOf(uids) {
      const reached = new Set<Entry<T>>();
      for (const uid of uids === "everything" ? byUid.keys() : uids) {
        const entry = byUid.get(uid);
        if (entry !== undefined) reached.add(entry);
      }
      const found = new Set<T>();
      // A set that grows while it is read is read to its end.
      for (const { items, dependents } of reached) {
        items?.forEach((item) => found.add(item));
        dependents?.forEach((dependent) => reached.add(dependent));
      }
      return found;
    },
  };
}

function isUsed(set: SmallSet<object | string> | undefined): boolean {
  return set !== undefined && !set.isEmpty;
}
