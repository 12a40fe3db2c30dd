import type { Uid } from "../domain/uid.ts";

/** Finds what depends on a node: items by the uids of their lineages. */
export interface LineageIndex<T> {
  add(lineage: ReadonlySet<Uid>, item: T): void;
  remove(lineage: ReadonlySet<Uid>, item: T): void;
  /** The items whose lineage holds any of `uids`; all items for `everything`. A copy: items may be removed while it is read. */
  dependentsOf(uids: ReadonlySet<Uid> | "everything"): ReadonlySet<T>;
}

export function createLineageIndex<T>(): LineageIndex<T> {
  const byUid = new Map<Uid, Set<T>>();
  return {
    add(lineage, item) {
      for (const uid of lineage) {
        const items = byUid.get(uid);
        if (items === undefined) byUid.set(uid, new Set([item]));
        else items.add(item);
      }
    },
    remove(lineage, item) {
      for (const uid of lineage) {
        const items = byUid.get(uid);
        items?.delete(item);
        if (items?.size === 0) byUid.delete(uid);
      }
    },
    dependentsOf(uids) {
      const found = new Set<T>();
      const named = uids === "everything" ? byUid.keys() : uids;
      for (const uid of named) byUid.get(uid)?.forEach((item) => found.add(item));
      return found;
    },
  };
}
