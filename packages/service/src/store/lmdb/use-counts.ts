import type { Uid } from "../../domain/uid.ts";
import type { UseCount } from "../../domain/use-counter.ts";
import { numberColumn } from "../codec/columns.ts";
import { usesKey } from "../codec/row-keys.ts";
import { StoreCorruptError } from "../store.ts";
import type { KeyedTable } from "./buffered-table.ts";

/** How often each capability that has `maxUses` was used: one row each, in the table of the other counts. */
export interface UseCounts {
  /** @throws StoreCorruptError if the row was changed: unlike a count of records, it cannot be counted anew. */
  read(uid: Uid): UseCount | undefined;
  put(uid: Uid, count: UseCount): void;
  drop(uid: Uid): void;
}

export function createUseCounts(rows: KeyedTable): UseCounts {
  return {
    read(uid) {
      const columns = rows.get(usesKey(uid));
      if (columns === undefined) return undefined;
      const [window, uses] = columns;
      if (window === undefined || uses === undefined)
        throw new StoreCorruptError("a count of uses has too few columns");
      return { window: Number(window.readBigUInt64BE()), uses: Number(uses.readBigUInt64BE()) };
    },
    put: (uid, { window, uses }) => rows.put(usesKey(uid), [numberColumn(window), numberColumn(uses)]),
    drop: (uid) => rows.remove(usesKey(uid)),
  };
}
