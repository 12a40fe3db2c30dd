import type { WriteRequest } from "../engine.ts";
import { StoreBusyError } from "../store.ts";
import type { QueuedWrite } from "../write-queue.ts";
import { createWriteQueue } from "../write-queue.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionSlots } from "./connection-slots.ts";

/** How many writes may wait in this process, of revokes and of all else each. */
const QUEUE_CAPACITY = 1_024;

/** Gives writes their turns, in the order of {@link createWriteQueue}, each on a connection that no other write uses. */
export interface WriteTurns {
  /** @throws StoreBusyError if it has no result in time. It may still take effect if it had its turn. */
  run<T>(
    request: Pick<WriteRequest, "class" | "owner">,
    write: (connection: Connection) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

interface PendingWrite extends QueuedWrite {
  start(): void;
  reject(error: unknown): void;
}

/** @param deadlineMs time for a whole write, its turn included, in milliseconds. */
export function createWriteTurns(slots: ConnectionSlots, deadlineMs: number): WriteTurns {
  const queue = createWriteQueue<PendingWrite>(QUEUE_CAPACITY);
  const running = new Set<Promise<void>>();
  let isClosed = false;

  const pump = (): void => {
    while (slots.idle() !== undefined) {
      const taken = queue.take(1);
      if (taken.length === 0) return;
      for (const pending of taken) pending.start();
    }
  };

  return {
    run: (request, write) =>
      new Promise((resolve, reject) => {
        let used: Connection | undefined;
        const execute = async (): Promise<void> => {
          try {
            // Only an idle connection lets a write start.
            const slot = slots.leastBusy();
            resolve(
              await slot.run((connection) => {
                used = connection;
                return write(connection);
              }),
            );
          } catch (error) {
            reject(error);
          } finally {
            clearTimeout(deadline);
          }
        };
        const pending: PendingWrite = {
          class: request.class,
          owner: request.owner,
          cost: 1,
          start() {
            const run = execute().finally(() => {
              running.delete(run);
              pump();
            });
            running.add(run);
          },
          reject(error) {
            clearTimeout(deadline);
            reject(error);
          },
        };
        const deadline = setTimeout(() => {
          queue.delete(pending);
          pending.reject(new StoreBusyError("the write was not acknowledged in time"));
          // What it waits for may never come; the next write gets another connection.
          used?.destroy();
        }, deadlineMs);
        if (isClosed) return pending.reject(new StoreBusyError("the store is closed"));
        queue.add(pending)?.reject(new StoreBusyError("too many writes wait"));
        pump();
      }),
    async close() {
      isClosed = true;
      for (const pending of queue.take(Infinity)) pending.reject(new StoreBusyError("the store is closed"));
      await Promise.all(running);
      await slots.close();
    },
  };
}
