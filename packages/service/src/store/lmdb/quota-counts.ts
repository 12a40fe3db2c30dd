import type { Quota } from "../../domain/quota.ts";
import { uidBytes } from "../../domain/uid.ts";
import { StoreCorruptError } from "../store.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";

/** How many records count against each quota: one row each, so that nothing is counted anew when one is made. */
export interface QuotaCounts {
  of(quota: Quota): number;
  /** One more, before it is there. */
  add(quota: Quota): void;
  /** One less. */
  subtract(quota: Quota): void;
  /** Drops the count of an owner that accepts no more records, so that a sweep need not count down. */
  remove(quota: Quota): void;
}

/** @param recount counts what there is, for a quota that has no row that can be read. */
export function createQuotaCounts(rows: AuthenticatedTable, recount: (quota: Quota) => number): QuotaCounts {
  const read = (quota: Quota): number | undefined => {
    try {
      return rows.get(keyOf(quota))?.[0]?.readUInt32BE();
    } catch (error) {
      // Treats a tampered row as absent: no revoke and no sweep may fail for a count.
      if (error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };
  const write = (quota: Quota, count: number): void => {
    const column = Buffer.alloc(4);
    column.writeUInt32BE(count);
    rows.put(keyOf(quota), [column]);
  };
  const of = (quota: Quota): number => read(quota) ?? recount(quota);
  return {
    of,
    add: (quota) => write(quota, of(quota) + 1),
    subtract(quota) {
      const count = read(quota);
      // A row put back to what it once was passes its MAC; it must not stop a sweep.
      if (count !== undefined) write(quota, Math.max(0, count - 1));
    },
    remove: (quota) => rows.remove(keyOf(quota)),
  };
}

/** A tenant has two counts; that of its membranes has the key without a suffix. */
function keyOf({ owner, kind }: Quota): Buffer {
  const key = uidBytes(owner);
  return kind === "ownCapabilities" ? Buffer.concat([key, OWN_CAPABILITIES_SUFFIX]) : key;
}

const OWN_CAPABILITIES_SUFFIX = Buffer.from([1]);
