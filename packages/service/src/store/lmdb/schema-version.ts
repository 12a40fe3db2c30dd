import { randomBytes } from "node:crypto";
import type { StoreFormat } from "../codec/format-row.ts";
import {
  FORMAT_KEY,
  formatColumns,
  keysOfStore,
  LAYOUT_VERSION,
  parseFormatRow,
  servedStoreId,
} from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError } from "../store.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";
import { takeFirst } from "./authenticated-table.ts";
import type { Environment } from "./environment.ts";
import { entryKey, HEAD_KEY } from "./revocation-log.ts";
import { openRows } from "./schema.ts";

/** What a process knows of a store that it opened. */
export interface ServedStore {
  readonly id: string;
  /** Those that the store needs. */
  readonly keys: ServiceKeys;
}

/**
 * Reads the format row, or writes it into an empty store; the first of several processes that start at once wins.
 *
 * @param keys all that there are.
 * @throws StoreFormatError if the store was written by a newer program, needs another service key, or was moved away.
 */
export async function openFormat(environment: Environment, keys: ServiceKeys): Promise<ServedStore> {
  const serve = (format: StoreFormat): ServedStore => ({
    id: servedStoreId(format),
    keys: keysOfStore(keys, format),
  });
  const present = environment.snapshot(() => readFormat(environment, keys));
  if (present !== undefined) return serve(present);
  return environment.write(() => {
    const winner = readFormat(environment, keys);
    if (winner !== undefined) return serve(winner);
    if (takeFirst(environment.tables.nodes.getKeys(), 1).length > 0) {
      throw new StoreCorruptError("the store holds records but does not say its format: restore it");
    }
    const made = { storeId: randomBytes(16).toString("hex"), keys: [keys] };
    putFirstRows(openRows(environment.tables, keys).meta, made);
    return serve(made);
  });
}

/** Writes what an empty store begins with: its format, and the head of a revocation log under a new id. */
export function putFirstRows(meta: AuthenticatedTable, format: StoreFormat): void {
  meta.put(HEAD_KEY, [randomBytes(16), entryKey(0n)]);
  meta.put(FORMAT_KEY, formatColumns(format));
}

/**
 * Raises the layout version in the transaction that stores the first records of this program: a store that was only opened
 * stays open to the program that wrote it.
 *
 * @returns a function to call in each transaction that creates records.
 */
export function createLayoutUpgrade(meta: AuthenticatedTable): () => void {
  /** Read in a transaction: a version that was only written may be rolled back. */
  let isCurrent = false;
  return () => {
    if (isCurrent) return;
    const [version, ...others] = meta.get(FORMAT_KEY) ?? [];
    isCurrent = (version?.[0] ?? 0) >= LAYOUT_VERSION;
    if (!isCurrent) meta.put(FORMAT_KEY, [Buffer.from([LAYOUT_VERSION]), ...others]);
  };
}

/**
 * Reads the format row of the open transaction.
 *
 * @throws StoreFormatError if the store was written by a newer program, or if the key that its rows are under is missing or retired.
 */
export function readFormat(
  { tables }: Pick<Environment, "tables">,
  keys: ServiceKeys,
): StoreFormat | undefined {
  const row = tables.meta.getBinary(FORMAT_KEY);
  return row === undefined ? undefined : parseFormatRow(row, keys);
}
