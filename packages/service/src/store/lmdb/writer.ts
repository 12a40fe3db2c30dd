import type { RootDatabase } from "lmdb";
import type { StoreCondition } from "../store.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store.ts";
import type { WriteClass, WriteOwner } from "../write-queue.ts";
import { createWriteQueue } from "../write-queue.ts";
import type { Table } from "./environment.ts";
import { causeOfCommit, codeOf, errorOf, isFullCode } from "./failure.ts";
import type { Reserve } from "./reserve.ts";
import { createRoom } from "./room.ts";

/** What a write is for, on whose behalf, and how much it may take. */
export interface WriteRequest {
  readonly class: WriteClass;
  readonly owner: WriteOwner;
  /** How many turns it takes. */
  readonly turns: number;
  /** The most bytes that it may take, in pages. */
  readonly need: number;
}

/** A write that says nothing of itself: one of the operator's, or of a test. */
const PLAIN: WriteRequest = {
  class: "create",
  owner: { tenant: "", capability: "" },
  turns: 1,
  need: 256 * 1024,
};

/** How many turns share a commit and its flush. Other processes of the machine wait that long, and so does the next revoke. */
const TURNS = 32;

/** How many writes may wait in this process, of revokes and of all else each. */
const CAPACITY = 1_024;

/** The parts of an open environment that writing needs. */
export interface WriterParts {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly tables: readonly Table[];
  readonly reserve: Reserve;
}

export interface WriterOptions {
  /** Time for a write in all: its turn, its commit and its flush, in milliseconds. */
  readonly deadlineMs: number;
  /** Bytes that are kept for revokes. */
  readonly reserveBytes: number;
  readonly report: (condition: StoreCondition) => void;
}

/** Writes in turn, many to a commit; the order is {@link createWriteQueue}'s. */
export interface Writer {
  write<T>(decide: () => T, request?: WriteRequest): Promise<T>;
  close(): Promise<boolean>;
}

interface Waiting extends WriteRequest {
  /** Runs the write in the transaction that is open. @returns how to acknowledge it. */
  act(): () => void;
  refuse(error: unknown): void;
  isOver: boolean;
}

export function createWriter(parts: WriterParts, options: WriterOptions): Writer {
  const { root } = parts;
  const { deadlineMs } = options;
  const queue = createWriteQueue<Waiting>(CAPACITY);
  const room = createRoom(parts, options.reserveBytes);
  let condition: StoreCondition = { state: "writable" };
  let running: Promise<void> | undefined;
  let isClosed = false;
  /**
   * A flush failed: the kernel may have dropped pages and forgets that it did, so that no later flush says anything. What
   * was committed can be read.
   */
  let isUnflushed = false;
  /** LMDB writes and reads no more. A further write would wait for ever. */
  let isBroken = false;

  const enter = (next: StoreCondition): void => {
    if (next.state === condition.state) return;
    condition = next;
    options.report(next);
  };

  const pump = (): void => {
    if (running !== undefined || isClosed || isBroken) return;
    const batch = queue.take(TURNS);
    if (batch.length === 0) return;
    running = commit(batch).finally(() => {
      running = undefined;
      pump();
    });
  };

  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    const acted: { readonly waiting: Waiting; readonly acknowledge: () => void }[] = [];
    // Until the transaction begins: above all that can be read.
    let id = Infinity;
    try {
      await root.transaction(() => {
        id = root.getWriteTxnId();
        room.begin();
        for (const waiting of batch) {
          if (waiting.isOver) continue;
          try {
            admit(waiting);
            acted.push({ waiting, acknowledge: root.transactionSync(waiting.act) });
          } catch (error) {
            waiting.refuse(explain(error));
          }
        }
      });
      // Commits become visible before they are on disk; the flush covers the commits of other processes too.
      await root.flushed;
      if (!isReadable()) throw new StoreFailedError("nothing can be read after the commit");
    } catch (error) {
      isBroken = !isReadable();
      const code = isBroken ? "MDB_PANIC" : await causeOfCommit(error);
      isUnflushed ||= isBroken || room.lastTransaction() >= id;
      const isFull = isFullCode(code) && !isUnflushed;
      enter({ state: isFull ? "full" : "failed", cause: code });
      for (const { waiting } of acted)
        waiting.refuse(isFull ? new StoreFullError(code) : new StoreFailedError(code));
      return;
    }
    if (!isUnflushed && room.isAmple && acted.length > 0) enter({ state: "writable" });
    for (const { waiting, acknowledge } of acted) {
      if (isUnflushed) waiting.refuse(new StoreFailedError("an earlier flush failed"));
      else acknowledge();
    }
  };

  const admit = (waiting: Waiting): void => {
    if (isUnflushed && waiting.class !== "revoke") throw new StoreFailedError("an earlier flush failed");
    if (room.admit(waiting)) return;
    const cause = room.cause ?? "ENOSPC";
    enter({ state: isFullCode(cause) ? "full" : "failed", cause });
    throw errorOf(cause);
  };

  /** LMDB does not report that it failed to write which transaction is on disk, but lets nothing be read after it. */
  const isReadable = (): boolean => {
    try {
      root.resetReadTxn();
      root.getBinaryFast(PROBE);
      return true;
    } catch {
      return false;
    }
  };

  return {
    write: (decide, request = PLAIN) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          if (waiting.isOver) return;
          waiting.isOver = true;
          clearTimeout(deadline);
          act();
        };
        const waiting: Waiting = {
          ...request,
          isOver: false,
          act() {
            const value = decide();
            return () => settle(() => resolve(value));
          },
          refuse: (error) => settle(() => reject(error)),
        };
        const deadline = setTimeout(() => {
          queue.delete(waiting);
          waiting.refuse(new StoreBusyError("the write was not acknowledged in time"));
        }, deadlineMs);
        if (isClosed) return waiting.refuse(new StoreBusyError("the store is closed"));
        if (isBroken) return waiting.refuse(new StoreFailedError("LMDB writes no more"));
        queue.add(waiting)?.refuse(new StoreBusyError("too many writes wait"));
        queueMicrotask(pump);
      }),
    async close() {
      isClosed = true;
      for (const waiting of queue.take(Infinity)) waiting.refuse(new StoreBusyError("the store is closed"));
      if (isBroken) return false;
      const closed = async (): Promise<boolean> => {
        await running;
        // LMDB waits for the flush of its last commit, for ever if that failed: an empty one comes after it.
        if (condition.state !== "writable") await root.transaction(() => undefined);
        await root.close();
        parts.reserve.close();
        return true;
      };
      return Promise.race([closed(), late(deadlineMs)]);
    },
  };
}

const PROBE = Buffer.from("probe");

function explain(error: unknown): unknown {
  const code = codeOf(error);
  return code === undefined ? error : errorOf(code);
}

function late(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), ms).unref();
  });
}
