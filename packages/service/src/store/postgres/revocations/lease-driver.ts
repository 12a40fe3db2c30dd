import { randomUUID } from "node:crypto";
import type { HeldLease } from "../../lease/held-lease.ts";
import type { LeaseTimes } from "../../lease/lease-times.ts";
import type { LeaseAction, LeaseMessage } from "../../lease/node-lease.ts";
import { advanceLease, createNodeLease, leaseWakeAt } from "../../lease/node-lease.ts";
import type { Cursor, LeaseReply, LogEntry } from "../../lease/statements.ts";
import { StoreFormatError } from "../../store.ts";
import { createBackOff } from "./back-off.ts";
import type { Clocks } from "./clocks.ts";
import { leaseStatement, parseLeaseReply } from "./lease-statements.ts";
import type { OpenConnection } from "./statement-connection.ts";
import { createStatementConnection } from "./statement-connection.ts";
import { createWakeTimer } from "./wake-timer.ts";

/** Carries out what the lease of a node decides, each in the turn in which it is called. */
export interface LeaseListener {
  apply(entries: readonly LogEntry[]): void;
  restart(cursor: Cursor): void;
  hold(lease: HeldLease): void;
  release(): void;
  alarm(cursor: Cursor): void;
  /** A statement failed. After a {@link StoreFormatError} the node asks for no lease any more. */
  failed(error: unknown): void;
}

export interface LeaseDriver {
  /** An entry was appended to the log, perhaps: it is read at once. */
  notify(): void;
  /** The next renewal is sent at once. */
  renew(): void;
  /** Ends the lease and deletes the node's row. Resolves when that is done, or cannot be done in time. */
  stop(): Promise<void>;
}

/** With the code of the operating system for it. */
function replyTimeout(): Error {
  return Object.assign(new Error("the reply to a statement of the lease is late"), { code: "ETIMEDOUT" });
}

/** What a node knows of the store, and without which it is given no lease. */
export interface LeaseTerms {
  readonly times: LeaseTimes;
  /** SHA-256 of the format row that it has read, in hex. */
  readonly formatDigest: string;
}

/** Asks for a lease, and renews it until it is stopped. */
export function driveLease(
  open: OpenConnection,
  listener: LeaseListener,
  { times, formatDigest }: LeaseTerms,
  clocks: Clocks,
): LeaseDriver {
  const instant = () => ({ monotonic: clocks.monotonic(), wall: clocks.wall() });
  let lease = createNodeLease(times, instant());
  let onStopped: () => void;
  const stopped = new Promise<void>((resolve) => {
    onStopped = resolve;
  });

  const perform = (action: LeaseAction): void => {
    switch (action.type) {
      case "send": {
        const { statement } = action;
        return connection.send(leaseStatement(statement, times.leaseMs, formatDigest), (rows) =>
          parseLeaseReply(statement, rows, times.leaseMs),
        );
      }
      case "disconnect":
        return connection.disconnect();
      case "apply":
        return listener.apply(action.entries);
      case "restart":
        return listener.restart(action.cursor);
      case "hold":
        return listener.hold(action.lease);
      case "release":
        return listener.release();
      case "alarm":
        return listener.alarm(action.cursor);
      case "stopped":
        return onStopped();
    }
  };
  const backOff = createBackOff(times.leaseRetryDelayMs, clocks.monotonic);
  /** Whether the node would connect now, too soon after attempts that failed. A row is renewed as long as it has one. */
  const isTooSoon = ({ type }: LeaseMessage): boolean =>
    (type === "wake" || type === "notified" || type === "awaited") &&
    lease.state === "running" &&
    lease.row === undefined &&
    lease.inFlight === undefined &&
    clocks.monotonic() < backOff.notBefore;
  const advance = (message: LeaseMessage): void => {
    if (isTooSoon(message)) return timer.set(backOff.notBefore);
    const step = advanceLease(lease, message, { now: instant(), newNode: randomUUID() });
    lease = step.lease;
    const isLate = message.type === "wake" && step.actions.some(({ type }) => type === "disconnect");
    if (isLate) recordFailure(replyTimeout());
    for (const action of step.actions) perform(action);
    timer.set(leaseWakeAt(lease));
  };
  const recordFailure = (error: unknown): void => {
    backOff.failed(error);
    listener.failed(error);
  };
  const fail = (error: unknown): void => {
    recordFailure(error);
    advance({ type: "failed" });
    if (error instanceof StoreFormatError) advance({ type: "stop" });
  };
  const connection = createStatementConnection(open, {
    onReply(reply: LeaseReply) {
      backOff.replied();
      advance({ type: "replied", reply });
    },
    onFailure: fail,
  });
  const timer = createWakeTimer(clocks.monotonic, () => advance({ type: "wake" }));
  advance({ type: "wake" });
  return {
    notify: () => advance({ type: "notified" }),
    renew: () => advance({ type: "awaited" }),
    async stop() {
      advance({ type: "stop" });
      await stopped;
      await connection.close();
    },
  };
}
