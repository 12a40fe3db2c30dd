import type { Connection } from "./connection.ts";
import type { CountRef } from "./count-ref.ts";
import { bytesRef } from "./count-ref.ts";
import { countBytes } from "./recount-bytes.ts";
import { countRecords } from "./recount-records.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import { StoreCorruptError } from "../store.ts";

/**
 * Makes a count that is missing or damaged from what is stored.
 *
 * @returns a function that throws if a row is damaged that the count is made from.
 */
export async function recount(
  connection: Connection,
  ref: CountRef,
  { keys }: Pick<SnapshotOptions, "keys">,
): Promise<() => number> {
  const isBytes = ref.kind === bytesRef(ref.uid).kind;
  try {
    const count = await (isBytes ? countBytes : countRecords)(connection, ref, keys);
    return () => count;
  } catch (error) {
    if (!(error instanceof StoreCorruptError)) throw error;
    return () => {
      throw error;
    };
  }
}
