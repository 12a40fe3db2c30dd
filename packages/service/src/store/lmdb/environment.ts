import { realpathSync } from "node:fs";
import { pid } from "node:process";
import type { RootDatabase } from "lmdb";
import { open } from "lmdb";
import type { StoreCondition, StoreStatus } from "../store.ts";
import { StoreBusyError } from "../store.ts";
import type { RowBuffer } from "./buffered-table.ts";
import { assertStoreFile, assertStoreTables } from "./store-file-check.ts";
import type { CommitGate } from "./commit-gate.ts";
import { openThroughGate } from "./commit-gate.ts";
import {
  causeOfCommit,
  endIfMemoryIsDamaged,
  lmdbErrorCode,
  storeErrorOf,
  toStoreError,
} from "./lmdb-errors.ts";
import type { Reserve } from "./reserve.ts";
import { openReserve, prepareDirectory } from "./reserve.ts";
import type { Table, Tables } from "./schema.ts";
import { TABLE_NAMES } from "./schema.ts";
import type { WriteTurn } from "./writer.ts";
import { createWriter } from "./writer.ts";
import { entriesOf, usedSpace } from "./space-budget.ts";
import { collectStatus } from "./store-status.ts";

/** An LMDB environment, safe for several processes on one machine. */
export interface Environment {
  readonly tables: Tables;
  /**
   * Runs reads that all see one snapshot, taken now: what another process committed before is in it.
   *
   * @throws StoreFailedError if LMDB refuses to read, as it does after a failed write of its meta page.
   */
  snapshot<T>(read: () => T): T;
  /**
   * Runs `decide` in a separate transaction and resolves when its writes, and all commits it saw, are on disk. What it
   * throws undoes its writes. It must be short, since every other writer of the machine waits for it.
   *
   * @throws StoreBusyError if that was not done in time, whatever it waited for.
   * @throws StoreFullError if there is no space; nothing was written.
   * @throws StoreFailedError if it was not written, or may not be on disk.
   */
  write<T>(decide: () => T, turn?: WriteTurn): Promise<T>;
  /** Has rows written once for all writes of a commit. */
  buffer(rows: RowBuffer): void;
  /**
   * Runs `act` while no other process opens the store or commits to it. What `act` writes with `commit` is on disk when that
   * resolves; {@link write} waits until `act` has ended.
   */
  exclusively<T>(act: (commit: Commit) => Promise<T>): Promise<T>;
  /** The ids of other processes that have the store open. None is missed while no process can open it. */
  otherProcesses(): readonly number[];
  /** Asks the file system, too. */
  status(): Promise<StoreStatus>;
  /** Waits for writes in flight, then closes. @returns false if one of them does not end. */
  close(): Promise<boolean>;
}

/** @throws StoreFullError, StoreFailedError if it is not on disk. */
export type Commit = (change: () => void) => Promise<void>;

export interface EnvironmentOptions {
  /** Space reserved for revokes. Default: none. */
  readonly reserveBytes?: number;
  /** Called when writing becomes impossible, and when it is possible again. */
  readonly report?: (condition: StoreCondition) => void;
}

/**
 * Directories that this process has open. LMDB must not be opened twice in one process (caveats of its documentation): the
 * second open waits on the event loop for a write of the first, which waits for the event loop.
 */
const opened = new Set<string>();

/**
 * @param deadlineMs how long a write may take in all, in milliseconds.
 * @throws Error if this process has the directory open.
 */
export async function openEnvironment(
  directory: string,
  deadlineMs: number,
  options: EnvironmentOptions = {},
): Promise<Environment> {
  assertStoreFile(directory);
  prepareDirectory(directory);
  const path = realpathSync(directory);
  if (opened.has(path)) throw new Error(`${path} is open in this process already`);
  opened.add(path);
  try {
    const { opened: store, gate } = await openThroughGate(path, () => openTables(path));
    return await createEnvironment(directory, { ...store, gate }, deadlineMs, options, () =>
      opened.delete(path),
    );
  } catch (error) {
    opened.delete(path);
    throw error;
  }
}

async function createEnvironment(
  directory: string,
  { root, tables, gate }: OpenTables & { readonly gate: CommitGate },
  deadlineMs: number,
  { reserveBytes = 0, report = () => undefined }: EnvironmentOptions,
  onClosed: () => void,
): Promise<Environment> {
  let reserve: Reserve;
  try {
    reserve = openReserve(directory);
  } catch (error) {
    await root.close();
    await gate.close();
    throw error;
  }
  const deps = { root, gate, tables: Object.values(tables), reserve };
  const writer = createWriter(deps, { deadlineMs, reserveBytes, report });
  let isClosing = false;
  const statusSource = {
    directory,
    reserveBytes,
    usedSpace() {
      // The store may be closed while the file system is asked.
      if (isClosing) throw new StoreBusyError("the store is closed");
      return usedSpace(deps);
    },
    sweepBacklog: () => entriesOf(tables.sweep),
  };
  return {
    status: () => collectStatus(statusSource),
    tables,
    snapshot(read) {
      // A read transaction lives on until the next turn of the event loop and would miss what another process committed.
      try {
        root.resetReadTxn();
        return read();
      } catch (error) {
        throw toStoreError(error);
      }
    },
    write: writer.write,
    buffer: writer.buffer,
    exclusively: (act) =>
      gate.hold(() =>
        act(async (change) => {
          try {
            await root.transaction(change);
            await root.flushed;
          } catch (error) {
            const cause = await causeOfCommit(error);
            endIfMemoryIsDamaged(cause);
            throw storeErrorOf(lmdbErrorCode(cause) ?? "UNKNOWN");
          }
        }),
      ),
    otherProcesses() {
      // Those of killed processes; the lock that each process holds on its entry says which are.
      root.readerCheck();
      return readerProcesses(root.readerList()).filter((id) => id !== pid);
    },
    async close() {
      isClosing = true;
      const isClosed = await writer.close();
      if (isClosed) onClosed();
      return isClosed;
    },
  };
}

/**
 * The processes in LMDB's list of readers, a line for each after a heading. A process has an entry from its first read on, which is
 * within the open, until it closes the store.
 */
function readerProcesses(list: string): readonly number[] {
  return Array.from(list.matchAll(/^ *(\d+) /gm), ([, id]) => Number(id));
}

interface OpenTables {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly tables: Tables;
}

/** Opens the environment, and makes the tables that it does not have. */
function openTables(path: string): OpenTables {
  const root: RootDatabase<Buffer, Buffer> = open({
    path,
    maxDbs: 8,
    noSubdir: false,
    // With batching, lmdb makes a second promise for each commit, which nothing handles when the commit fails.
    eventTurnBatching: false,
  });
  try {
    assertStoreTables(root, new Set(TABLE_NAMES));
    const table = (name: string): Table => root.openDB({ name, encoding: "binary", keyEncoding: "binary" });
    const tables: Tables = {
      meta: table("meta"),
      nodes: table("nodes"),
      lookups: table("lookups"),
      names: table("names"),
      children: table("children"),
      counts: table("counts"),
      log: table("log"),
      sweep: table("sweep"),
    };
    return { root, tables };
  } catch (error) {
    // A table that was not there is written.
    endIfMemoryIsDamaged(error);
    void root.close();
    throw error;
  }
}
