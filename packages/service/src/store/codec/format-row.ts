import type { NamedKey, ServiceKeys } from "../keys.ts";
import { keyId } from "../keys.ts";
import { StoreCorruptError, StoreFormatError } from "../store.ts";
import { decodeRow, MAC_BYTES } from "./authenticated-row.ts";
import { decodeColumns, encodeColumns, flagColumn, textColumn } from "./columns.ts";
import { keyVersionColumn, readKeyVersion } from "./key-version.ts";

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

/** The layout of a store whose service key was rotated, so that a program that knows one key alone refuses it. */
const ROTATED_LAYOUT = 4;

export const FORMAT_KEY: Buffer = Buffer.from("format");

/** What the format row says of a store. */
export interface StoreFormat {
  /** 32 hex digits. It stays the same when the store is moved. */
  readonly storeId: string;
  /** The service keys that it needs, newest first: the MACs of all rows are under the first. */
  readonly keys: readonly NamedKey[];
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

/** The columns of the row that says which layout a store has, which keys it needs, and its id. */
export function formatColumns({ storeId, keys, arrival, isReserved, departure }: StoreFormat): Buffer[] {
  const [current] = keys;
  if (current === undefined) throw new RangeError("a store needs at least one service key");
  const id = Buffer.from(storeId, "hex");
  const arrived = Buffer.from(arrival ?? "", "hex");
  if (keys.length > 1 || current.keyVersion > 1) {
    const departed = departure === undefined ? Buffer.alloc(0) : encodeDeparture(departure);
    const layout = Buffer.from([ROTATED_LAYOUT]);
    return [
      layout,
      current.checkValue,
      id,
      arrived,
      departed,
      flagColumn(isReserved === true),
      encodeKeys(keys),
    ];
  }
  const layout = departure === undefined && isReserved !== true ? LAYOUT_VERSION : CLOSED_LAYOUT;
  const moves = [
    ...(arrival === undefined && departure === undefined ? [] : [arrived]),
    ...(departure === undefined ? [] : [encodeDeparture(departure)]),
  ];
  return [Buffer.from([layout]), current.checkValue, id, ...moves];
}

function encodeKeys(keys: readonly NamedKey[]): Buffer {
  return encodeColumns(
    keys.flatMap(({ keyVersion, checkValue }) => [keyVersionColumn(keyVersion), checkValue]),
  );
}

function encodeDeparture({ move, to, isComplete }: Departure): Buffer {
  return encodeColumns([Buffer.from(move, "hex"), textColumn(to), flagColumn(isComplete)]);
}

/** The store needs a service key that is not among those that were given. */
export class OtherServiceKeyError extends StoreFormatError {}

/**
 * The rows of the store are under a service key that is marked as retired: it is older than the rotation, or was put back with a
 * stolen key.
 */
export class RetiredServiceKeyError extends StoreFormatError {}

/**
 * Reads the format row.
 *
 * @throws StoreFormatError if the store was written by a newer program, or if the key that its rows are under is missing or retired.
 */
export function parseFormatRow(row: Buffer, keys: ServiceKeys): StoreFormat {
  // Before the MAC, which fails with a wrong key too: the message to the operator distinguishes the two.
  const unverified = columnsBeforeMac(row);
  const layout = unverified[0]?.[0] ?? 0;
  if (layout < 1 || layout > ROTATED_LAYOUT) {
    throw new StoreFormatError(
      `the store has format ${unverified[0]?.[0] ?? "unknown"}, this program reads formats up to ${ROTATED_LAYOUT}: use the program that wrote it, or a newer one`,
    );
  }
  const named = namedKeys(layout, unverified);
  const current = pickKeys(keys, named.slice(0, 1));
  const columns = decodeRow("meta", FORMAT_KEY, row, current);
  const [, , storeId, arrival, departure, isReserved] = columns;
  if (storeId === undefined) throw new StoreCorruptError("the store does not say its id");
  const isClosed =
    layout === ROTATED_LAYOUT
      ? isReserved?.[0] === 1
      : layout === CLOSED_LAYOUT && (departure === undefined || departure.length === 0);
  return {
    storeId: storeId.toString("hex"),
    keys: named,
    ...(arrival === undefined || arrival.length === 0 ? {} : { arrival: arrival.toString("hex") }),
    ...(departure === undefined || departure.length === 0 ? {} : { departure: decodeDeparture(departure) }),
    ...(isClosed ? { isReserved: true } : {}),
  };
}

/** The keys that a format row names, which is to be verified with the first of them. */
function namedKeys(layout: number, columns: readonly Buffer[]): readonly NamedKey[] {
  const [, checkValue, , , , , named] = columns;
  if (checkValue === undefined) throw new StoreCorruptError("the store does not say its service key");
  if (layout !== ROTATED_LAYOUT) return [{ keyVersion: 1, checkValue }];
  const pairs = named === undefined ? [] : decodeColumns(named);
  const keys: NamedKey[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const [version, value] = pairs.slice(at, at + 2);
    if (version === undefined || value === undefined)
      throw new StoreCorruptError("the store does not say its service keys");
    keys.push({ keyVersion: readKeyVersion(version), checkValue: value });
  }
  if (keys.length === 0) throw new StoreCorruptError("the store does not say its service keys");
  return keys;
}

/**
 * The keys that a store needs, of all that were given.
 *
 * @throws OtherServiceKeyError, RetiredServiceKeyError that name one by its id, which is no secret.
 */
export function keysOfStore(keys: ServiceKeys, format: Pick<StoreFormat, "keys">): ServiceKeys {
  return pickKeys(keys, format.keys);
}

/** The key that the rows of a store are under: with it alone they can be read, but not found by older tokens. */
export function rowKeysOfStore(keys: ServiceKeys, format: Pick<StoreFormat, "keys">): ServiceKeys {
  return pickKeys(keys, format.keys.slice(0, 1));
}

function pickKeys(keys: ServiceKeys, named: readonly NamedKey[]): ServiceKeys {
  const picked = keys.ofStore(named);
  if (picked.ok) return picked.value;
  const { error: denial } = picked;
  const { keyVersion } = denial.key;
  if (denial.reason === "retired")
    throw new RetiredServiceKeyError(
      `the store is under the service key ${keyVersion} (${keyId(denial.key)}), which line ${denial.line} of the service key file marks as retired: it is older than the rotation, as an old backup is, or was put back with a stolen key, and what was revoked since works again in it. Use the store from after the rotation, or a newer backup. To use this one, remove the word "retired" from that line, and run "membrane key rotate" before the service starts`,
    );
  throw new OtherServiceKeyError(
    keyVersion === 1 && named.length === 1
      ? "the service key is not the one this store was made with: restore that one, copy it from another node, or name it with --service-key-file"
      : `the store needs the service key ${keyVersion} (${keyId(denial.key)}), which the service key file does not have: copy the file from another node or from its backup, or name it with --service-key-file`,
  );
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
