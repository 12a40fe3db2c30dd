import type { LeaseTimes } from "../../lease/lease-times.ts";
import type { PollerAction, PollerMessage } from "../../lease/revoke-poller.ts";
import { advancePoller, createRevokePoller, pollerWakeAt } from "../../lease/revoke-poller.ts";
import type { PollerReply } from "../../lease/statements.ts";
import { StoreBusyError } from "../../store.ts";
import { createBackOff } from "./back-off.ts";
import { parsePollerReply, pollerStatement } from "./poller-statements.ts";
import type { OpenConnection } from "./statement-connection.ts";
import { createStatementConnection } from "./statement-connection.ts";
import { createWakeTimer } from "./wake-timer.ts";

/** Waits for all revokes of a process, and deletes rows of nodes that have ended. */
export interface PollerDriver {
  /**
   * Resolves when no node passes anything on that was revoked up to `position`. Call it once the commit is known.
   *
   * @throws StoreBusyError if that is not known in time.
   */
  wait(position: bigint): Promise<void>;
  /** Waits for the revokes that wait, then ends. */
  close(): Promise<void>;
}

interface WaitingRevoke {
  resolve(): void;
  reject(error: unknown): void;
}

/** @param waitTimeoutMs how long a revoke waits, in milliseconds. */
export function drivePoller(
  open: OpenConnection,
  times: LeaseTimes,
  waitTimeoutMs: number,
  monotonic: () => number,
): PollerDriver {
  const waiting = new Map<number, WaitingRevoke>();
  const unsettled = new Set<Promise<void>>();
  let lastTicket = 0;
  let poller = createRevokePoller(times, monotonic());
  let isClosed = false;

  const perform = (action: PollerAction): void => {
    switch (action.type) {
      case "send": {
        if (isTooSoon()) return advance({ type: "failed" });
        const { statement } = action;
        return connection.send(pollerStatement(statement, times.leaseMs), (rows) =>
          parsePollerReply(statement, rows),
        );
      }
      case "disconnect":
        return connection.disconnect();
      case "settle": {
        const revoke = waiting.get(action.ticket);
        waiting.delete(action.ticket);
        if (action.isAcknowledged) return revoke?.resolve();
        return revoke?.reject(new StoreBusyError("not every node is known to have applied the revoke"));
      }
    }
  };
  const backOff = createBackOff(times.leaseRetryDelayMs, monotonic);
  const isTooSoon = (): boolean => monotonic() < backOff.notBefore;
  /** Without a poll a revoke ends by the length of a lease. */
  const postpone = (): void => {
    if (poller.pollAt < backOff.notBefore) poller = { ...poller, pollAt: backOff.notBefore };
  };
  const advance = (message: PollerMessage): void => {
    const step = advancePoller(poller, message, monotonic());
    poller = step.poller;
    const isLate = message.type === "wake" && step.actions.some(({ type }) => type === "disconnect");
    if (isLate) backOff.failed(undefined);
    for (const action of step.actions) perform(action);
    postpone();
    timer.set(isClosed && unsettled.size === 0 ? Infinity : pollerWakeAt(poller));
  };
  const fail = (error: unknown): void => {
    backOff.failed(error);
    advance({ type: "failed" });
  };
  const connection = createStatementConnection(open, {
    onReply(reply: PollerReply) {
      backOff.replied();
      advance({ type: "replied", reply });
    },
    onFailure: fail,
  });
  const timer = createWakeTimer(monotonic, () => advance({ type: "wake" }));
  timer.set(pollerWakeAt(poller));

  const wait = (position: bigint): Promise<void> =>
    new Promise((resolve, reject) => {
      lastTicket += 1;
      waiting.set(lastTicket, { resolve, reject });
      advance({ type: "wait", ticket: lastTicket, position, deadline: monotonic() + waitTimeoutMs });
    });
  return {
    async wait(position) {
      if (isClosed) throw new StoreBusyError("the store is closed");
      const settled = wait(position);
      unsettled.add(settled);
      await settled.finally(() => unsettled.delete(settled));
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(unsettled);
      timer.set(Infinity);
      await connection.close();
    },
  };
}
