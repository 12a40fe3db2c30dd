import { randomBytes } from "node:crypto";
import { MAC_BYTES } from "../codec/authenticated-row.ts";
import { decodeColumns } from "../codec/columns.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import type { AuthenticatedTable } from "./authenticated-table.ts";
import { takeFirst } from "./authenticated-table.ts";
import type { Environment } from "./environment.ts";
import { entryKey, HEAD_KEY } from "./revocation-log.ts";

/**
 * The version of the tables and of how they lead to each other. A program refuses a store of a newer layout; each record has
 * a version besides (`RECORD_VERSIONS`).
 *
 * 1: a program that meets a record of another version takes it for damage.
 * 2: records have versions that differ. The tables are those of 1.
 */
export const LAYOUT_VERSION = 2;

const FORMAT_KEY = Buffer.from("format");

/** What the format row says of the store. */
export interface StoreFormat {
  readonly storeId: string;
}

/**
 * Reads the format row, or writes it into an empty store; the first of several processes that start at once wins.
 *
 * @throws StoreFormatError if the store was written by a newer program or with another service key.
 */
export async function openFormat(
  environment: Environment,
  meta: AuthenticatedTable,
  keys: ServiceKeys,
): Promise<StoreFormat> {
  const present = environment.snapshot(() => readFormat(environment, meta, keys));
  if (present !== undefined) return present;
  return environment.write(() => {
    const winner = readFormat(environment, meta, keys);
    if (winner !== undefined) return winner;
    if (takeFirst(environment.tables.nodes.getKeys(), 1).length > 0) {
      throw new StoreCorruptError("the store holds records but does not say its format: restore it");
    }
    const storeId = randomBytes(16);
    meta.put(HEAD_KEY, [randomBytes(16), entryKey(0n)]);
    meta.put(FORMAT_KEY, [Buffer.from([LAYOUT_VERSION]), keys.checkValue, storeId]);
    return { storeId: storeId.toString("hex") };
  });
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
    isCurrent = version?.[0] === LAYOUT_VERSION;
    if (!isCurrent) meta.put(FORMAT_KEY, [Buffer.from([LAYOUT_VERSION]), ...others]);
  };
}

function readFormat(
  environment: Environment,
  meta: AuthenticatedTable,
  keys: ServiceKeys,
): StoreFormat | undefined {
  const raw = environment.tables.meta.getBinary(FORMAT_KEY);
  if (raw === undefined) return undefined;
  // Before the MAC, which fails with a wrong key too: the message to the operator distinguishes the two.
  const [version, checkValue] = columnsOf(raw);
  const layout = version?.[0] ?? 0;
  if (layout < 1 || layout > LAYOUT_VERSION) {
    throw new StoreFormatError(
      `the store has format ${version?.[0] ?? "unknown"}, this program reads formats up to ${LAYOUT_VERSION}: use the program that wrote it, or a newer one`,
    );
  }
  if (checkValue?.equals(keys.checkValue) !== true) {
    throw new StoreFormatError(
      "the service key is not the one this store was made with: restore that one, or name it with --service-key-file",
    );
  }
  const storeId = meta.get(FORMAT_KEY)?.[2];
  if (storeId === undefined) throw new StoreCorruptError("the store does not say its id");
  return { storeId: storeId.toString("hex") };
}

function columnsOf(row: Buffer): Buffer[] {
  try {
    return decodeColumns(row.subarray(0, -MAC_BYTES));
  } catch (cause) {
    throw new StoreCorruptError("the store's format row is not what was written: restore the store", {
      cause,
    });
  }
}
