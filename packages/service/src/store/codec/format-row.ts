import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import { decodeRow, MAC_BYTES } from "./authenticated-row.ts";
import { decodeColumns } from "./columns.ts";

/**
 * The version of the tables and of how they lead to each other. A program refuses a store of a newer layout; each record has
 * a version besides (`RECORD_VERSIONS`).
 *
 * 1: a program that meets a record of another version takes it for damage.
 * 2: records have versions that differ. The tables are those of 1.
 */
export const LAYOUT_VERSION = 2;

export const FORMAT_KEY: Buffer = Buffer.from("format");

/** The columns of the row that says which layout a store has, which key it was made with, and its id. */
export function formatColumns(storeId: Buffer, keys: Pick<ServiceKeys, "checkValue">): Buffer[] {
  return [Buffer.from([LAYOUT_VERSION]), keys.checkValue, storeId];
}

/**
 * Reads the format row.
 *
 * @returns the id of the store.
 * @throws StoreFormatError if the store was written by a newer program or with another service key.
 */
export function parseFormatRow(row: Buffer, keys: Pick<ServiceKeys, "checkValue" | "verifyRowMac">): string {
  // Before the MAC, which fails with a wrong key too: the message to the operator distinguishes the two.
  const [version, checkValue] = columnsBeforeMac(row);
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
  const storeId = decodeRow("meta", FORMAT_KEY, row, keys)[2];
  if (storeId === undefined) throw new StoreCorruptError("the store does not say its id");
  return storeId.toString("hex");
}

function columnsBeforeMac(row: Buffer): Buffer[] {
  try {
    return decodeColumns(row.subarray(0, -MAC_BYTES));
  } catch (cause) {
    throw new StoreCorruptError("the store's format row is not what was written: restore the store", {
      cause,
    });
  }
}
