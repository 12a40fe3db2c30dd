import type { RootDatabase } from "lmdb";
import { endIfMemoryIsDamaged } from "./lmdb-errors.ts";
import type { RowBuffer } from "./buffered-table.ts";

/** A write that shares its transaction with others. */
export interface GroupedWrite {
  /** Runs the write in the open transaction. @returns a function that acknowledges it. */
  run(): () => void;
  /** Called when the write was undone. */
  refuse(error: unknown): void;
}

/** A write that was run, and is to be acknowledged when its commit is on disk. */
export interface ExecutedWrite<T> {
  readonly write: T;
  readonly acknowledge: () => void;
}

/**
 * Runs writes in one child of the open transaction. If one of them throws, each runs again in a separate child, so that what throws
 * is undone alone: a child for each costs as much as half of a small write.
 *
 * @param buffer has rows that all of them change, which are written once.
 */
export function runGroup<T extends GroupedWrite>(
  root: Pick<RootDatabase<Buffer, Buffer>, "transactionSync">,
  writes: readonly T[],
  buffer: RowBuffer,
): readonly ExecutedWrite<T>[] {
  const runTogether = (some: readonly T[]): readonly ExecutedWrite<T>[] => {
    buffer.begin();
    try {
      return root.transactionSync(() => {
        const executed = some.map((write) => ({ write, acknowledge: write.run() }));
        buffer.flush();
        return executed;
      });
    } catch (error) {
      endIfMemoryIsDamaged(error);
      throw error;
    } finally {
      buffer.end();
    }
  };
  const runAlone = (write: T): readonly ExecutedWrite<T>[] => {
    try {
      return runTogether([write]);
    } catch (error) {
      write.refuse(error);
      return [];
    }
  };
  if (writes.length > 1) {
    try {
      return runTogether(writes);
    } catch {
      // It is not known which of them threw.
    }
  }
  return writes.flatMap(runAlone);
}
