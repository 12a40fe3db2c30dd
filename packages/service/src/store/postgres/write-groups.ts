import type { Decision, WriteRequest, WriteSnapshot } from "../engine.ts";
import { StoreBusyError } from "../store.ts";
import { MAX_GROUP_COST, writeCost } from "../write-cost.ts";
import type { QueuedWrite, WriteClass } from "../write-queue.ts";
import { createWriteQueue } from "../write-queue.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionSlots } from "./connection-slots.ts";
import { mayBeOfOneWrite } from "./postgres-errors.ts";
import type { RevokeCommit } from "./revocations/protocol.ts";
import type { GroupWrite } from "./group-decisions.ts";
import type { WriteContext } from "./write.ts";
import { writeGroup } from "./write.ts";

/** How many writes of a class may wait in this process. */
const QUEUE_CAPACITY = 1_024;

/** A write that was committed, or found nothing to change. */
export interface Written<T> {
  readonly result: T;
  readonly isCommitted: boolean;
  /** Of a revoke, also of one that was repeated. */
  readonly revoked?: RevokeCommit;
}

/** Writes of one class in groups: whatever waits when a connection is idle, in the order of {@link createWriteQueue}. */
export interface WriteGroups {
  /** @throws StoreBusyError if it has no result in time. It may still take effect if its group was begun. */
  write<T>(request: WriteRequest, decide: (snapshot: WriteSnapshot) => Decision<T>): Promise<Written<T>>;
  close(): Promise<void>;
}

/** Acknowledges a write once its group is committed. */
type Acknowledge = (group: Omit<Written<unknown>, "result">) => void;

interface PendingWrite extends QueuedWrite, GroupWrite<Acknowledge> {
  hasLeft: boolean;
  /** Called when its time is over and its group was begun. */
  onLeave: () => void;
  reject(error: unknown): void;
}

export interface WriteGroupsOptions extends WriteContext {
  readonly kind: WriteClass;
  /** Time for a whole write, its wait included, in milliseconds. */
  readonly deadlineMs: number;
}

export function createWriteGroups(slots: ConnectionSlots, options: WriteGroupsOptions): WriteGroups {
  const { kind, deadlineMs } = options;
  const queue = createWriteQueue<PendingWrite>(QUEUE_CAPACITY);
  const running = new Set<Promise<void>>();
  let isClosed = false;

  const pump = (): void => {
    for (let slot = slots.idle(); slot !== undefined; slot = slots.idle()) {
      const group = queue.take(MAX_GROUP_COST);
      if (group.length === 0) return;
      const run = slot
        .run((connection) => commit(connection, group))
        .finally(() => {
          running.delete(run);
          pump();
        });
      running.add(run);
    }
  };

  const commit = async (connection: Connection, group: readonly PendingWrite[]): Promise<void> => {
    for (const pending of group) {
      pending.onLeave = () => {
        // What the group waits for may never come; the next one gets another connection.
        if (group.every(({ hasLeft }) => hasLeft)) connection.destroy();
      };
    }
    try {
      const { outcomes, ...written } = await writeGroup(connection, kind, group, options);
      for (const pending of group) {
        const outcome = outcomes.get(pending);
        if (outcome?.type === "decided") outcome.result(written);
        if (outcome?.type === "failed") pending.reject(outcome.error);
      }
    } catch (error) {
      // The database does not say which write it refuses.
      if (group.length > 1 && mayBeOfOneWrite(error))
        for (const pending of group) await commit(connection, [pending]);
      else for (const pending of group) pending.reject(error);
    }
  };

  return {
    write: (request, decide) =>
      new Promise((resolve, reject) => {
        const pending: PendingWrite = {
          class: kind,
          owner: request.owner,
          cost: writeCost(request),
          request,
          decide(snapshot) {
            const { result, changes } = decide(snapshot);
            const acknowledge: Acknowledge = (group) => settle(() => resolve({ result, ...group }));
            return { result: acknowledge, changes };
          },
          hasLeft: false,
          onLeave: () => undefined,
          reject: (error) => settle(() => reject(error)),
        };
        const settle = (act: () => void): void => {
          pending.hasLeft = true;
          clearTimeout(deadline);
          act();
        };
        const deadline = setTimeout(() => {
          queue.delete(pending);
          pending.reject(new StoreBusyError("the write was not acknowledged in time"));
          pending.onLeave();
        }, deadlineMs);
        if (isClosed) return pending.reject(new StoreBusyError("the store is closed"));
        queue.add(pending)?.reject(new StoreBusyError("too many writes wait"));
        // What is written in the same turn of the event loop shares a group.
        queueMicrotask(pump);
      }),
    async close() {
      isClosed = true;
      for (const pending of queue.take(Infinity)) pending.reject(new StoreBusyError("the store is closed"));
      await Promise.all(running);
      await slots.close();
    },
  };
}
