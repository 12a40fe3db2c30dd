import type { RootDatabase } from "lmdb";
import type { FairOwner } from "../../collections/fair-queue.ts";
import type { StoreCondition } from "../store.ts";
import { StoreBusyError, StoreFailedError, StoreFullError } from "../store.ts";
import type { WriteClass } from "../write-queue.ts";
import { NO_OWNER } from "../write-owner.ts";
import { createWriteQueue } from "../write-queue.ts";
import type { Table } from "./environment.ts";
import { causeOfCommit, codeOf, errorOf, isFullCode } from "./failure.ts";
import type { Reserve } from "./reserve.ts";
import { createRoom } from "./room.ts";

/** What a write is for, for whom, and how much space it may take. */
export interface WriteRequest {
  readonly class: WriteClass;
  readonly owner: FairOwner;
  /** How many turns it takes. */
  readonly turns: number;
  /** The most bytes that its pages may take. */
  readonly need: number;
}

/** The default: a write of the operator, or of a test. */
const PLAIN: WriteRequest = {
  class: "create",
  owner: NO_OWNER,
  turns: 1,
  need: 256 * 1024,
};

/** How many turns share a commit and its flush. Other processes and the next revoke wait that long. */
const TURNS = 32;

/** How many revokes, and how many other writes, may wait in this process. */
const CAPACITY = 1_024;

/** What the writer needs of an open environment. */
export interface WriterParts {
  readonly root: RootDatabase<Buffer, Buffer>;
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
  write<T>(decide: () => T, request?: WriteRequest): Promise<T>;
  close(): Promise<boolean>;
}

interface Waiting extends WriteRequest {
  /** Runs the write in the open transaction. @returns a function that acknowledges it. */
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
   * A flush failed: the kernel may have dropped pages, and reports that only once, so that a later flush proves nothing. What
   * was committed can still be read.
   */
  let isUnflushed = false;
  /** LMDB neither writes nor reads any more. A further write would wait for ever. */
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
    // Until the transaction begins: higher than any id that can be read.
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

  /** LMDB does not report a failed write of its meta page, but refuses every read after it. */
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
        // Closing waits for the flush of the last commit, for ever if that failed: an empty commit takes its place.
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
