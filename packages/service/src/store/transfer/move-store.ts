import type { StoreFormat, Departure } from "../codec/format-row.ts";
import { keysOfStore } from "../codec/format-row.ts";
import type { ServiceKeys } from "../keys.ts";
import { StoreFormatError } from "../store.ts";
import type { MovedTable, StoredRows, VerifiedRow } from "./stored-rows.ts";
import { MOVED_TABLES, verifyRow } from "./stored-rows.ts";
import type { TableDigest, TableDigests } from "./table-digest.ts";
import { createTableDigester, isSameDigest } from "./table-digest.ts";

/** A store that no process can open or change, and that no node has open. */
export interface DepartingStore extends StoredRows {
  readonly format: StoreFormat;
  /** From when this resolves it is served no more, also after a crash. */
  markDeparture(departure: Departure): Promise<void>;
}

/** A copy that is being made. No process can open it, and it disappears unless it is committed. */
export interface ArrivingStore extends StoredRows {
  put(table: MovedTable, rows: readonly VerifiedRow[]): Promise<void>;
  /** Does all of {@link commit} that may take long, or fail for a reason that is known before. */
  prepare(): Promise<void>;
  /** From when this resolves it is a store, which no process opens while its format says that it is reserved. */
  commit(): Promise<void>;
}

/** Where a store is moved to. */
export interface Destination {
  /** For messages. A move that was not finished is continued only with the same place. */
  readonly place: string;
  /** Reads the format of the store that is there, if there is one. */
  readFormat(): Promise<StoreFormat | undefined>;
  /** Lets `fill` make a store. What it has made disappears if it throws. */
  receive<T>(format: StoreFormat, fill: (store: ArrivingStore) => Promise<T>): Promise<T>;
  /** Lets processes open the copy that a move has reserved. Changes nothing if they may. @throws PlaceTakenError if it is not there. */
  release(move: string): Promise<void>;
  /** Removes a copy that is reserved. @throws PlaceTakenError if it is not there, or a process may have opened it. */
  discard(copy: StoreFormat): Promise<void>;
}

export interface MoveOptions {
  /** All keys that there are. Those that the store needs are the same in both places. */
  readonly keys: ServiceKeys;
  /** The id of a new move, in hex. */
  readonly newMoveId: () => string;
  readonly onProgress: (progress: MoveProgress) => void;
}

export interface MoveProgress {
  readonly step: "copied" | "verified";
  readonly table: MovedTable;
  /** How many rows of the table so far. */
  readonly rows: number;
  readonly isWhole: boolean;
}

/** What was moved, or that an earlier attempt had moved all of it. */
export type MoveResult =
  | { readonly type: "moved"; readonly source: TableDigests; readonly copy: TableDigests }
  | { readonly type: "finished" };

/** There is a store at the destination, which no move replaces. */
export class PlaceTakenError extends Error {
  override readonly name = "PlaceTakenError";
  readonly code = "place_taken";

  constructor(message = "there is a store already: name a place that has none") {
    super(message);
  }
}

/** The copy of a table is not what was copied. Nothing was changed where the store is. */
export class CopyDiffersError extends Error {
  override readonly name = "CopyDiffersError";
  readonly code = "copy_differs";
  readonly table: MovedTable;

  constructor(table: MovedTable, source: TableDigest, copy: TableDigest) {
    const of = ({ rows, sha256 }: TableDigest) => `${rows} rows with SHA-256 ${sha256}`;
    super(`the table ${table} has ${of(source)}, its copy ${of(copy)}`);
    this.table = table;
  }
}

/** The copy is whole, and it is not known which of both places is served: the move must be repeated. */
export class MoveUnfinishedError extends Error {
  override readonly name = "MoveUnfinishedError";
  readonly code = "move_unfinished";
}

/**
 * Moves a store. Both places are never served: the copy is committed as reserved, then the source is marked, and only then the
 * copy is released. No node can make another store at the destination meanwhile. A process that is killed before the mark leaves the
 * source as it was, and one that is killed after it a source that is not served; the same move finishes when it is repeated.
 *
 * @throws StoreFormatError if the source was moved before, PlaceTakenError if the destination has another store.
 * @throws StoreCorruptError, CopyDiffersError that name a table, and then nothing was changed.
 */
export async function moveStore(
  source: DepartingStore,
  destination: Destination,
  options: MoveOptions,
): Promise<MoveResult> {
  const { storeId, departure: earlier } = source.format;
  assertMovable(earlier, destination.place);
  const move = earlier?.move ?? options.newMoveId();
  const present = await destination.readFormat();
  if (present !== undefined && earlier !== undefined && present.arrival === earlier.move) {
    await finishMove(source, destination, move);
    return { type: "finished" };
  }
  if (present !== undefined) await discardCopy(destination, present, storeId);
  const { keys: named } = source.format;
  const reserved = { storeId, keys: named, arrival: move, isReserved: true } as const;
  const keys = keysOfStore(options.keys, source.format);
  const result = await destination.receive(reserved, async (arriving) => {
    const copied = await copyTables(source, arriving, { ...options, keys });
    const copy = await verifyCopy(arriving, copied, options);
    await arriving.prepare();
    await arriving.commit();
    return { type: "moved", source: copied, copy } as const;
  });
  await finishMove(source, destination, move);
  return result;
}

/** An earlier move has left a copy of this store, which may have changed since. */
async function discardCopy(destination: Destination, present: StoreFormat, storeId: string): Promise<void> {
  const moved = present.departure;
  if (moved?.isComplete === true) {
    throw new PlaceTakenError(
      `the store there was moved to ${moved.to} before: when you have a backup, DROP SCHEMA membrane CASCADE in PostgreSQL, or move the directory store away`,
    );
  }
  if (present.isReserved !== true || present.storeId !== storeId) throw new PlaceTakenError();
  await destination.discard(present);
}

function assertMovable(earlier: Departure | undefined, place: string): void {
  if (earlier === undefined) return;
  if (earlier.isComplete) throw new StoreFormatError(`the store was moved to ${earlier.to} before`);
  if (earlier.to !== place)
    throw new StoreFormatError(`a move to ${earlier.to} was not finished: name the same place`);
}

/** Closes the source and releases the copy. Each step may have been done by an earlier attempt. */
async function finishMove(source: DepartingStore, destination: Destination, move: string): Promise<void> {
  const departure = { to: destination.place, move };
  try {
    await source.markDeparture({ ...departure, isComplete: false });
    await destination.release(move);
    await source.markDeparture({ ...departure, isComplete: true });
  } catch (cause) {
    throw new MoveUnfinishedError("the move was not finished", { cause });
  }
}

async function copyTables(
  source: StoredRows,
  arriving: ArrivingStore,
  { keys, onProgress }: MoveOptions,
): Promise<TableDigests> {
  const tables = new Map<MovedTable, TableDigest>();
  for (const table of MOVED_TABLES) {
    const digester = createTableDigester();
    for await (const page of source.pages(table)) {
      digester.add(page);
      await arriving.put(
        table,
        page.map((row) => verifyRow(table, row, keys)),
      );
      onProgress({ step: "copied", table, rows: digester.rows, isWhole: false });
    }
    tables.set(table, digester.digest());
    onProgress({ step: "copied", table, rows: digester.rows, isWhole: true });
  }
  return tables;
}

async function verifyCopy(
  copy: StoredRows,
  tables: TableDigests,
  { onProgress }: MoveOptions,
): Promise<TableDigests> {
  const copied = new Map<MovedTable, TableDigest>();
  for (const [table, expected] of tables) {
    const digester = createTableDigester();
    for await (const page of copy.pages(table)) {
      digester.add(page);
      onProgress({ step: "verified", table, rows: digester.rows, isWhole: false });
    }
    const found = digester.digest();
    if (!isSameDigest(expected, found)) throw new CopyDiffersError(table, expected, found);
    copied.set(table, found);
    onProgress({ step: "verified", table, rows: found.rows, isWhole: true });
  }
  return copied;
}
