import type { RootDatabase } from "lmdb";
import type { FairOwner } from "../../collections/fair-queue.ts";
import { withTimeout } from "../../collections/with-timeout.ts";
import type { StoreCondition } from "../store.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store.ts";
import type { WriteClass } from "../write-queue.ts";
import { NO_OWNER } from "../write-owner.ts";
import { MAX_GROUP_COST } from "../write-cost.ts";
import { createWriteQueue } from "../write-queue.ts";
import type { RowBuffer } from "./buffered-table.ts";
import type { Table } from "./schema.ts";
import {
  causeOfCommit,
  commitErrorCode,
  endIfMemoryIsDamaged,
  isFullCode,
  storeErrorOf,
  toStoreError,
} from "./lmdb-errors.ts";
import type { Reserve } from "./reserve.ts";
import type { CommitGate } from "./commit-gate.ts";
import { createSpaceBudget } from "./space-budget.ts";
import type { ExecutedWrite, GroupedWrite } from "./write-group.ts";
import { runGroup } from "./write-group.ts";

/** What a write is for, for whom, and how much space it may take. */
export interface WriteTurn {
  readonly class: WriteClass;
  readonly owner: FairOwner;
  /** How many turns it takes. */
  readonly cost: number;
  /** The most bytes that its pages may take. */
  readonly requiredBytes: number;
}

/** The default: a write that prepares a store, before any request is served. */
const DEFAULT_TURN: WriteTurn = {
  class: "create",
  owner: NO_OWNER,
  cost: 1,
  requiredBytes: 256 * 1024,
};

/** How many revokes, and how many other writes, may wait in this process. */
const QUEUE_CAPACITY = 1_024;

/** What the writer needs of an open environment. */
export interface WriterDeps {
  readonly root: RootDatabase<Buffer, Buffer>;
  /** Held for each commit. */
  readonly gate: CommitGate;
  readonly tables: readonly Table[];
  readonly reserve: Reserve;
}

export interface WriterOptions {
  /** Time for a whole write: its turn, its commit and its flush, in milliseconds. */
  readonly deadlineMs: number;
  /** Bytes that are reserved for revokes. */
  readonly reserveBytes: number;
  readonly report: (condition: StoreCondition) => void;
}

/** Writes in turn, many to a commit, in the order of {@link createWriteQueue}. */
export interface Writer {
  write<T>(decide: () => T, turn?: WriteTurn): Promise<T>;
  buffer(rows: RowBuffer): void;
  close(): Promise<boolean>;
}

interface PendingWrite extends WriteTurn, GroupedWrite {
  reject(error: unknown): void;
  isSettled: boolean;
}

/** The writes of a transaction that has begun. */
interface BegunGroup {
  readonly id: number;
  executed: readonly ExecutedWrite<PendingWrite>[];
}

export function createWriter(deps: WriterDeps, options: WriterOptions): Writer {
  const { root, gate } = deps;
  const { deadlineMs } = options;
  const queue = createWriteQueue<PendingWrite>(QUEUE_CAPACITY);
  const space = createSpaceBudget(deps, options.reserveBytes);
  let buffer: RowBuffer = NO_BUFFER;
  let condition: StoreCondition = { state: "writable" };
  let running: Promise<void> | undefined;
  let isClosed = false;
  /**
   * A flush failed: the kernel may have dropped pages, and reports that only once, so that a later flush proves nothing. What
   * was committed can still be read.
   */
  let isUnflushed = false;
  /** LMDB neither writes nor reads any more. A further write would wait for ever. */
  let isBroken = false;

  const setCondition = (next: StoreCondition): void => {
    if (next.state === condition.state) return;
    condition = next;
    options.report(next);
  };

  const pump = (): void => {
    if (running !== undefined || isClosed || isBroken || queue.isEmpty()) return;
    running = commit().finally(() => {
      running = undefined;
      pump();
    });
  };

  const commit = async (): Promise<void> => {
    /** Nothing before the transaction begins. */
    let begun: BegunGroup | undefined;
    try {
      await gate.hold(() => transact((group) => (begun = group)));
      // Commits become visible before they are on disk; the flush covers the commits of other processes too.
      await root.flushed;
      if (!isReadable()) throw new StoreFailedError("nothing can be read after the commit");
    } catch (error) {
      isBroken = !isReadable();
      const code = isBroken ? "MDB_PANIC" : await commitErrorCode(error);
      isUnflushed ||= isBroken || (begun !== undefined && space.lastTransaction() >= begun.id);
      const isFull = isFullCode(code) && !isUnflushed;
      setCondition({ state: isFull ? "full" : "failed", cause: code });
      const undone = begun?.executed.map(({ write }) => write) ?? queue.take(MAX_GROUP_COST);
      for (const write of undone)
        write.reject(isFull ? new StoreFullError(code) : new StoreFailedError(code));
      return;
    }
    const executed = begun?.executed ?? [];
    if (!isUnflushed && space.isAmple && executed.length > 0) setCondition({ state: "writable" });
    for (const { write, acknowledge } of executed) {
      if (isUnflushed) write.reject(new StoreFailedError("an earlier flush failed"));
      else acknowledge();
    }
  };

  /** Takes what waits when the transaction begins, so that as many writes as possible share it. */
  const transact = async (onBegin: (group: BegunGroup) => void): Promise<void> => {
    try {
      await root.transaction(() => {
        const group: BegunGroup = { id: root.getWriteTxnId(), executed: [] };
        onBegin(group);
        space.begin();
        group.executed = runGroup(root, queue.take(MAX_GROUP_COST).filter(findsSpace), buffer);
      });
    } catch (error) {
      // LMDB's promise of the cause would be rejected unhandled before the gate is free.
      void causeOfCommit(error).then(endIfMemoryIsDamaged);
      throw error;
    }
  };

  /** Reserves the space of a write, or refuses the write. */
  const findsSpace = (write: PendingWrite): boolean => {
    if (isUnflushed && write.class !== "revoke") {
      write.reject(new StoreFailedError("an earlier flush failed"));
      return false;
    }
    if (space.allocate(write)) return true;
    const cause = space.cause ?? "ENOSPC";
    setCondition({ state: isFullCode(cause) ? "full" : "failed", cause });
    write.reject(storeErrorOf(cause));
    return false;
  };

  /** LMDB does not report a failed write of its meta page, but refuses every read after it. */
  const isReadable = (): boolean => {
    try {
      root.resetReadTxn();
      root.getBinaryFast(PROBE_KEY);
      return true;
    } catch {
      return false;
    }
  };

  return {
    write: (decide, turn = DEFAULT_TURN) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          if (waiting.isSettled) return;
          waiting.isSettled = true;
          clearTimeout(deadline);
          act();
        };
        const waiting: PendingWrite = {
          isSettled: false,
          run() {
            const value = decide();
            return () => settle(() => resolve(value));
          },
          refuse: (error) => waiting.reject(toStoreError(error)),
          reject: (error) => settle(() => reject(error)),
          ...turn,
        };
        const deadline = setTimeout(() => {
          queue.delete(waiting);
          waiting.reject(new StoreBusyError("the write was not acknowledged in time"));
        }, deadlineMs);
        if (isClosed) return waiting.reject(new StoreBusyError("the store is closed"));
        if (isBroken) return waiting.reject(new StoreFailedError("LMDB writes no more"));
        queue.add(waiting)?.reject(new StoreBusyError("too many writes wait"));
        queueMicrotask(pump);
      }),
    buffer(rows) {
      buffer = rows;
    },
    async close() {
      isClosed = true;
      for (const waiting of queue.take(Infinity)) waiting.reject(new StoreBusyError("the store is closed"));
      if (isBroken) return false;
      const closed = async (): Promise<boolean> => {
        await running;
        // Closing waits for the flush of the last commit, for ever if that failed: an empty commit takes its place.
        if (condition.state !== "writable") await root.transaction(() => undefined);
        await root.close();
        await gate.close();
        deps.reserve.close();
        return true;
      };
      return (await withTimeout(deadlineMs, closed())) ?? false;
    },
  };
}

const PROBE_KEY = Buffer.from("probe");

const NO_BUFFER: RowBuffer = { begin: () => undefined, flush: () => undefined, end: () => undefined };
