import type { ServiceKeys } from "../keys.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import { decodeRow, MAC_BYTES } from "./authenticated-row.ts";
import { decodeColumns, encodeColumns, flagColumn, textColumn } from "./columns.ts";

/**
 * The version of the tables and of how they lead to each other. A program refuses a store of a newer layout; each record has
 * a version besides (`RECORD_VERSIONS`).
 *
 * 1: a program that meets a record of another version takes it for damage.
 * 2: records have versions that differ. The tables are those of 1.
 */
export const LAYOUT_VERSION = 2;

/** The layout of a store that a move has closed, so that a program that knows nothing of moves refuses it too. */
const CLOSED_LAYOUT = 3;

export const FORMAT_KEY: Buffer = Buffer.from("format");

/** What the format row says of a store. */
export interface StoreFormat {
  /** 32 hex digits. It stays the same when the store is moved. */
  readonly storeId: string;
  /** The move that brought the store here: the hex digits of a random id. */
  readonly arrival?: string;
  /** The store is the copy of a move that has not yet closed the other one: it is not served, and no other store takes its place. */
  readonly isReserved?: true;
  readonly departure?: Departure;
}

/** The move that takes a store away. It is not served here any more, so that no revoke is missed by one of two copies. */
export interface Departure {
  /** The hex digits of a random id, which the store then has as its arrival. */
  readonly move: string;
  /** The place it is moved to, for messages. */
  readonly to: string;
  /** The store is there. Until it is known to be, the same move may be repeated. */
  readonly isComplete: boolean;
}

/** The columns of the row that says which layout a store has, which key it was made with, and its id. */
export function formatColumns(
  { storeId, arrival, isReserved, departure }: StoreFormat,
  keys: Pick<ServiceKeys, "checkValue">,
): Buffer[] {
  const layout = departure === undefined && isReserved !== true ? LAYOUT_VERSION : CLOSED_LAYOUT;
  const moves = [
    ...(arrival === undefined && departure === undefined ? [] : [Buffer.from(arrival ?? "", "hex")]),
    ...(departure === undefined ? [] : [encodeDeparture(departure)]),
  ];
  return [Buffer.from([layout]), keys.checkValue, Buffer.from(storeId, "hex"), ...moves];
}

function encodeDeparture({ move, to, isComplete }: Departure): Buffer {
  return encodeColumns([Buffer.from(move, "hex"), textColumn(to), flagColumn(isComplete)]);
}

/** The store was made with another service key. */
export class OtherServiceKeyError extends StoreFormatError {}

/**
 * Reads the format row.
 *
 * @throws StoreFormatError if the store was written by a newer program or with another service key.
 */
export function parseFormatRow(
  row: Buffer,
  keys: Pick<ServiceKeys, "checkValue" | "verifyRowMac">,
): StoreFormat {
  // Before the MAC, which fails with a wrong key too: the message to the operator distinguishes the two.
  const [version, checkValue] = columnsBeforeMac(row);
  const layout = version?.[0] ?? 0;
  if (layout < 1 || layout > CLOSED_LAYOUT) {
    throw new StoreFormatError(
      `the store has format ${version?.[0] ?? "unknown"}, this program reads formats up to ${CLOSED_LAYOUT}: use the program that wrote it, or a newer one`,
    );
  }
  if (checkValue?.equals(keys.checkValue) !== true) {
    throw new OtherServiceKeyError(
      "the service key is not the one this store was made with: restore that one, copy it from another node, or name it with --service-key-file",
    );
  }
  const [, , storeId, arrival, departure] = decodeRow("meta", FORMAT_KEY, row, keys);
  if (storeId === undefined) throw new StoreCorruptError("the store does not say its id");
  return {
    storeId: storeId.toString("hex"),
    ...(arrival === undefined || arrival.length === 0 ? {} : { arrival: arrival.toString("hex") }),
    ...(departure === undefined ? {} : { departure: decodeDeparture(departure) }),
    ...(layout === CLOSED_LAYOUT && departure === undefined ? { isReserved: true } : {}),
  };
}

function decodeDeparture(column: Buffer): Departure {
  const [move, to, isComplete] = decodeColumns(column);
  if (move === undefined || to === undefined || isComplete === undefined)
    throw new StoreCorruptError("the store does not say where it was moved to");
  return { move: move.toString("hex"), to: to.toString("utf8"), isComplete: isComplete[0] === 1 };
}

/**
 * The id of a store that may be served.
 *
 * @throws StoreFormatError if it was moved away, or may have been, or is the copy of a move that was not finished.
 */
export function servedStoreId({ storeId, isReserved, departure }: StoreFormat): string {
  if (isReserved === true)
    throw new StoreFormatError(
      'a move of a store to this place was not finished: repeat "membrane migrate" with the same flags',
    );
  if (departure === undefined) return storeId;
  throw new StoreFormatError(
    departure.isComplete
      ? `the store was moved to ${departure.to}, and what was revoked there still works here: use that one`
      : `a move of the store to ${departure.to} was not finished: repeat "membrane migrate" with the same flags`,
  );
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
