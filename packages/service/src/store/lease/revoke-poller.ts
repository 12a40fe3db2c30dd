import type { LeaseTimes } from "./lease-times.ts";
import { timeoutMs, waitMs } from "./lease-times.ts";
import type { LeaseRow, NodeId, PollerReply, PollerStatement } from "./statements.ts";
import type { WatchedRow } from "./watched-rows.ts";
import { unchangedFor, watchAnew, watchRows } from "./watched-rows.ts";

const MIN_POLL_DELAY_MS = 2;
const MAX_POLL_DELAY_MS = 100;

/** What a process knows of the rows of all nodes, for all its revokes that wait. Plain data: each message makes a new one. */
export interface RevokePoller {
  readonly times: LeaseTimes;
  readonly waiting: readonly WaitingRevoke[];
  readonly rows: readonly WatchedRow[];
  /** Rows whose counts have not changed for so long that they are to be deleted. */
  readonly toDrop: readonly WatchedRow[];
  readonly inFlight: { readonly statement: PollerStatement; readonly sentAt: number } | undefined;
  /** A reply has arrived on the connection. */
  readonly isConnected: boolean;
  /** When the next poll is due, on the monotonic clock. */
  readonly pollAt: number;
}

interface WaitingRevoke {
  readonly ticket: number;
  readonly position: bigint;
  /** After its commit was known, on the monotonic clock. */
  readonly committedAt: number;
  readonly deadline: number;
  /** A poll was sent after the commit. */
  readonly isPolled: boolean;
  /** Rows of its first poll that have neither reported the position nor gone. Later rows have read the entry. */
  readonly rows: readonly NodeId[] | undefined;
}

export type PollerMessage =
  | { readonly type: "wake" }
  /** The position that a revoke appended at, once its commit is known; a repeated one: that of the log after its read. */
  | {
      readonly type: "wait";
      readonly ticket: number;
      readonly position: bigint;
      /** On the monotonic clock. */
      readonly deadline: number;
    }
  | { readonly type: "replied"; readonly reply: PollerReply }
  | { readonly type: "failed" };

export type PollerAction =
  /** On a new connection, if there is none. */
  | { readonly type: "send"; readonly statement: PollerStatement }
  | { readonly type: "disconnect" }
  /** No node serves any more without this revoke; or it is not known in time, and the revoke can be repeated. */
  | { readonly type: "settle"; readonly ticket: number; readonly isAcknowledged: boolean };

export interface PollerStep {
  readonly poller: RevokePoller;
  readonly actions: readonly PollerAction[];
}

/** @param now on the monotonic clock, in milliseconds; as everywhere here. */
export function createRevokePoller(times: LeaseTimes, now: number): RevokePoller {
  return {
    times,
    waiting: [],
    rows: [],
    toDrop: [],
    inFlight: undefined,
    isConnected: false,
    pollAt: now + times.leaseCleanupIntervalMs,
  };
}

/** When the next `wake` is due, on the monotonic clock. */
export function pollerWakeAt({ times, waiting, inFlight, isConnected, pollAt }: RevokePoller): number {
  const next = inFlight === undefined ? pollAt : inFlight.sentAt + timeoutMs(times, isConnected);
  return waiting.reduce(
    (earliest, revoke) => Math.min(earliest, revoke.committedAt + waitMs(times), revoke.deadline),
    next,
  );
}

export function advancePoller(poller: RevokePoller, message: PollerMessage, now: number): PollerStep {
  const step = receive(poller, message, now);
  return sendNext(settle(step, now), now);
}

function receive(poller: RevokePoller, message: PollerMessage, now: number): PollerStep {
  const { inFlight, times, isConnected } = poller;
  switch (message.type) {
    case "wake":
      return inFlight !== undefined && now >= inFlight.sentAt + timeoutMs(times, isConnected)
        ? abandon(poller, now)
        : { poller, actions: [] };
    case "wait": {
      const { ticket, position, deadline } = message;
      const revoke = { ticket, position, deadline, committedAt: now, isPolled: false, rows: undefined };
      return { poller: { ...poller, waiting: [...poller.waiting, revoke], pollAt: now }, actions: [] };
    }
    case "replied": {
      if (inFlight === undefined) return { poller, actions: [] };
      const { reply } = message;
      const idle = { ...poller, inFlight: undefined, isConnected: true };
      if (inFlight.statement.type === "poll" && reply.type === "rows")
        return { poller: polled(idle, reply.rows, now), actions: [] };
      if (inFlight.statement.type === "drop" && reply.type === "dropped")
        return { poller: { ...idle, pollAt: now }, actions: [] };
      return abandon(poller, now);
    }
    case "failed":
      return inFlight === undefined
        ? { poller: { ...poller, isConnected: false }, actions: [] }
        : abandon(poller, now);
  }
}

function abandon(poller: RevokePoller, now: number): PollerStep {
  const statement = poller.inFlight?.statement;
  return {
    poller: {
      ...poller,
      rows: statement?.type === "drop" ? watchAnew(poller.rows, statement.node, now) : poller.rows,
      inFlight: undefined,
      isConnected: false,
      toDrop: [],
      pollAt: now + poller.times.leaseRetryDelayMs,
    },
    actions: [{ type: "disconnect" }],
  };
}

function polled(poller: RevokePoller, rows: readonly LeaseRow[], now: number): RevokePoller {
  const watched = watchRows(poller.rows, rows, now);
  return {
    ...poller,
    rows: watched,
    toDrop: unchangedFor(watched, waitMs(poller.times), now),
    waiting: poller.waiting.map((revoke) => (revoke.isPolled ? stillWaiting(revoke, rows) : revoke)),
  };
}

function stillWaiting(revoke: WaitingRevoke, rows: readonly LeaseRow[]): WaitingRevoke {
  const behind = rows.filter(({ applied }) => applied < revoke.position).map(({ node }) => node);
  const first = revoke.rows;
  return { ...revoke, rows: first === undefined ? behind : behind.filter((node) => first.includes(node)) };
}

/** Every lease that was renewed before the commit has ended after the wait, whatever its row says. */
function settle({ poller, actions }: PollerStep, now: number): PollerStep {
  const isAcknowledged = ({ rows, committedAt }: WaitingRevoke): boolean =>
    rows?.length === 0 || now - committedAt >= waitMs(poller.times);
  const settled = poller.waiting.filter((revoke) => isAcknowledged(revoke) || now >= revoke.deadline);
  if (settled.length === 0) return { poller, actions };
  const waiting = poller.waiting.filter((revoke) => !settled.includes(revoke));
  const pollAt = waiting.length > 0 ? poller.pollAt : now + poller.times.leaseCleanupIntervalMs;
  return {
    poller: { ...poller, waiting, pollAt },
    actions: [
      ...actions,
      ...settled.map((revoke): PollerAction => {
        return { type: "settle", ticket: revoke.ticket, isAcknowledged: isAcknowledged(revoke) };
      }),
    ],
  };
}

function sendNext({ poller, actions }: PollerStep, now: number): PollerStep {
  const statement = nextStatement(poller, now);
  if (statement === undefined) return { poller, actions };
  const sending = { ...poller, inFlight: { statement, sentAt: now } };
  return {
    poller:
      statement.type === "drop"
        ? { ...sending, toDrop: poller.toDrop.slice(1) }
        : {
            ...sending,
            pollAt: now + pollDelayMs(poller, now),
            waiting: poller.waiting.map((revoke) => ({ ...revoke, isPolled: true })),
          },
    actions: [...actions, { type: "send", statement }],
  };
}

function nextStatement({ inFlight, toDrop, pollAt }: RevokePoller, now: number): PollerStatement | undefined {
  if (inFlight !== undefined) return undefined;
  const [row] = toDrop;
  if (row !== undefined) return { type: "drop", node: row.node, renewals: row.renewals };
  return now >= pollAt ? { type: "poll" } : undefined;
}

/** Nodes that are well report within milliseconds, so the latest revoke is asked for often at first. */
function pollDelayMs({ waiting, times }: RevokePoller, now: number): number {
  const latest = waiting.at(-1);
  if (latest === undefined) return times.leaseCleanupIntervalMs;
  return Math.min(MAX_POLL_DELAY_MS, Math.max(MIN_POLL_DELAY_MS, (now - latest.committedAt) / 4));
}
