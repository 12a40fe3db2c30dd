import type { Uid } from "../../domain/uid.ts";
import { uidBytes } from "../../domain/uid.ts";
import { StoreCorruptError } from "../store.ts";
import type { RowTable } from "./row.ts";

/** How many records count against a membrane or a tenant: one row each, so that nothing is counted anew when one is made. */
export interface Counts {
  of(owner: Uid): number;
  /** One more, before it is there. */
  add(owner: Uid): void;
  /** One less. */
  subtract(owner: Uid): void;
  /** The owner takes nothing in any more: what is left to be removed from it need not be counted down one by one. */
  forget(owner: Uid): void;
}

/** @param recount counts what there is, for an owner that has no row that can be read. */
export function createCounts(rows: RowTable, recount: (owner: Uid) => number): Counts {
  const read = (owner: Uid): number | undefined => {
    try {
      return rows.get(uidBytes(owner))?.[0]?.readUInt32BE();
    } catch (error) {
      // A row that somebody changed is as good as none: no revoke and no sweep may fail for a count.
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const write = (owner: Uid, count: number): void => {
    const column = Buffer.alloc(4);
    column.writeUInt32BE(count);
    rows.put(uidBytes(owner), [column]);
  };
  const of = (owner: Uid): number => read(owner) ?? recount(owner);
  return {
    of,
    add: (owner) => write(owner, of(owner) + 1),
    subtract(owner) {
      const count = read(owner);
      // A row put back to what it once was passes its MAC; it must not stop a sweep.
      if (count !== undefined) write(owner, Math.max(0, count - 1));
    },
    forget: (owner) => rows.remove(uidBytes(owner)),
  };
}
