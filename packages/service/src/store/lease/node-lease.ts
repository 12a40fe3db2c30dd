import type { HeldLease, Instant } from "./held-lease.ts";
import type { LeaseTimes } from "./lease-times.ts";
import { servedMs, timeoutMs } from "./lease-times.ts";
import type { Cursor, LeaseReply, LeaseStatement, LogEntry, NodeId } from "./statements.ts";

/** Older rows that were left behind are deleted by any node, since they do not change. */
const MAX_OLD_ROWS = 16;

/** What a process knows of its place among the nodes. Plain data: each message makes a new one. */
export interface NodeLease {
  readonly times: LeaseTimes;
  readonly state: "running" | "stopping" | "stopped";
  /** What was applied last; absent until the head was read, and after the log was found to be another one. */
  readonly cursor: Cursor | undefined;
  readonly row: OwnRow | undefined;
  /** Rows of this process that it does not renew any more and that may still be there. */
  readonly oldRows: readonly NodeId[];
  readonly inFlight: { readonly statement: LeaseStatement; readonly sent: Instant } | undefined;
  /** A reply has arrived on the connection. */
  readonly isConnected: boolean;
  /** When the next statement is due, on the monotonic clock. */
  readonly dueAt: number;
  /** The log may have entries that no statement was sent for yet. */
  readonly isNotified: boolean;
}

interface OwnRow {
  readonly node: NodeId;
  readonly renewals: bigint;
  /** A lease of this row was counted: the leases of older rows end before it. */
  readonly isInForce: boolean;
}

export type LeaseMessage =
  | { readonly type: "wake" }
  /** An entry was appended to the log, perhaps: it is read at once. Any client of the database can say so. */
  | { readonly type: "notified" }
  /** Requests wait for a lease, or for entries that are known to be in the log: the next renewal is sent at once. */
  | { readonly type: "awaited" }
  | { readonly type: "replied"; readonly reply: LeaseReply }
  /** The statement in flight, or its connection, failed. It may still be carried out. */
  | { readonly type: "failed" }
  | { readonly type: "stop" };

export type LeaseAction =
  /** On a new connection, if there is none. */
  | { readonly type: "send"; readonly statement: LeaseStatement }
  | { readonly type: "disconnect" }
  /** Drops what depends on these. When it returns, nothing passes any more that was decided without them. */
  | { readonly type: "apply"; readonly entries: readonly LogEntry[] }
  /** Drops all that was ever decided, and what is read at this moment: from now on the log begins at the cursor. */
  | { readonly type: "restart"; readonly cursor: Cursor }
  /** Replaces the lease that was held before. */
  | { readonly type: "hold"; readonly lease: HeldLease }
  | { readonly type: "release" }
  /** Acknowledged revokes may be lost: a person must know. */
  | { readonly type: "alarm"; readonly cursor: Cursor }
  | { readonly type: "stopped" };

/** What a step may use besides the message. */
export interface LeaseContext {
  readonly now: Instant;
  /** A random id that was never used; the name of the row, if the node joins. */
  readonly newNode: NodeId;
}

export interface LeaseStep {
  readonly lease: NodeLease;
  readonly actions: readonly LeaseAction[];
}

/** A node that has not asked the store yet. Its first message is `wake`. */
export function createNodeLease(times: LeaseTimes, now: Instant): NodeLease {
  return {
    times,
    state: "running",
    cursor: undefined,
    row: undefined,
    oldRows: [],
    inFlight: undefined,
    isConnected: false,
    dueAt: now.monotonic,
    isNotified: false,
  };
}

/** When the next `wake` is due, on the monotonic clock. */
export function leaseWakeAt({ state, inFlight, dueAt, times, isConnected }: NodeLease): number {
  if (state === "stopped") return Infinity;
  return inFlight === undefined ? dueAt : inFlight.sent.monotonic + timeoutMs(times, isConnected);
}

export function advanceLease(lease: NodeLease, message: LeaseMessage, context: LeaseContext): LeaseStep {
  if (lease.state === "stopped") return { lease, actions: [] };
  const step = receive(lease, message, context.now);
  return step.lease.inFlight === undefined ? sendNext(step, context) : step;
}

function receive(lease: NodeLease, message: LeaseMessage, now: Instant): LeaseStep {
  switch (message.type) {
    case "wake":
      return lease.inFlight !== undefined && now.monotonic >= leaseWakeAt(lease)
        ? abandon(lease, lease.inFlight.statement, now)
        : { lease, actions: [] };
    case "notified":
      return { lease: { ...lease, isNotified: true }, actions: [] };
    case "awaited":
      // Without a row a failure is waited out.
      return { lease: lease.row === undefined ? lease : { ...lease, dueAt: now.monotonic }, actions: [] };
    case "replied":
      return lease.inFlight === undefined
        ? { lease, actions: [] }
        : receiveReply(
            { ...lease, inFlight: undefined, isConnected: true },
            lease.inFlight,
            message.reply,
            now,
          );
    case "failed":
      return lease.inFlight === undefined
        ? { lease: { ...lease, isConnected: false }, actions: [] }
        : abandon(lease, lease.inFlight.statement, now);
    case "stop":
      return { lease: { ...lease, state: "stopping" }, actions: [{ type: "release" }] };
  }
}

function receiveReply(
  lease: NodeLease,
  { statement, sent }: { readonly statement: LeaseStatement; readonly sent: Instant },
  reply: LeaseReply,
  now: Instant,
): LeaseStep {
  if (statement.type === "readHead" && reply.type === "head")
    return {
      lease: { ...lease, cursor: reply.cursor },
      actions: [{ type: "restart", cursor: reply.cursor }],
    };
  if (statement.type === "join" && reply.type === "joined")
    return {
      lease: { ...lease, row: { node: statement.node, renewals: 0n, isInForce: false } },
      actions: [],
    };
  if (statement.type === "remove" && reply.type === "removed")
    return { lease: forgetRows(lease, statement.nodes), actions: [] };
  if (statement.type === "renew" && reply.type === "renewed") return renewed(lease, sent, reply, now);
  if (statement.type === "readTail" && reply.type === "tail") return applied(lease, reply.entries, now);
  // Only a renewal is sure to ask the primary, so it decides whether that is so.
  if (statement.type === "readTail" && reply.type === "cursorUnknown")
    return { lease: { ...lease, dueAt: now.monotonic }, actions: [] };
  // No other node waits for this one any more.
  if (statement.type === "renew" && reply.type === "rowLost")
    return { lease: leaveRow(lease, statement, now), actions: [{ type: "release" }] };
  if (statement.type === "renew" && reply.type === "cursorUnknown") {
    return {
      lease: { ...leaveRow(lease, statement, now), cursor: undefined },
      actions: [{ type: "release" }, { type: "alarm", cursor: statement.applied }],
    };
  }
  return abandon(lease, statement, now);
}

/** The order of the actions is the protocol: a lease that counts before its entries are applied lets revoked requests pass. */
function renewed(
  lease: NodeLease,
  sent: Instant,
  { renewals, entries, isComplete }: Extract<LeaseReply, { type: "renewed" }>,
  now: Instant,
): LeaseStep {
  if (lease.row === undefined || lease.state === "stopping") return { lease, actions: [] };
  const isInForce = lease.row.isInForce || isComplete;
  const step = applied({ ...lease, row: { ...lease.row, renewals, isInForce } }, entries, now);
  if (!isComplete) return step;
  const hold: LeaseAction = { type: "hold", lease: { sent, lengthMs: servedMs(lease.times) } };
  return { ...step, actions: [...step.actions, hold] };
}

function applied(lease: NodeLease, entries: readonly LogEntry[], now: Instant): LeaseStep {
  const last = entries.at(-1);
  if (last === undefined) return { lease, actions: [] };
  const cursor = { position: last.position, tag: last.tag };
  // Revokes wait for the report of what was applied.
  return { lease: { ...lease, cursor, dueAt: now.monotonic }, actions: [{ type: "apply", entries }] };
}

/** Gives up a statement of which it is not known whether it was carried out. */
function abandon(lease: NodeLease, statement: LeaseStatement, now: Instant): LeaseStep {
  const left = leaveRow({ ...lease, inFlight: undefined, isConnected: false }, statement, now);
  // A node that stops tries each removal once.
  const isTried = lease.state === "stopping" && statement.type === "remove";
  return {
    lease: isTried ? forgetRows(left, statement.nodes) : left,
    actions: [{ type: "disconnect" }],
  };
}

/** A removal that was sent before a stop does not name the row of the node, for which revokes would wait. */
function forgetRows(lease: NodeLease, nodes: readonly NodeId[]): NodeLease {
  return {
    ...lease,
    row: lease.row && nodes.includes(lease.row.node) ? undefined : lease.row,
    oldRows: lease.oldRows.filter((node) => !nodes.includes(node)),
  };
}

/** The lease of the row may still be in force, so the row stays until the lease of another one is. */
function leaveRow(lease: NodeLease, statement: LeaseStatement, now: Instant): NodeLease {
  const node = statement.type === "join" ? statement.node : lease.row?.node;
  return {
    ...lease,
    row: undefined,
    oldRows: node === undefined ? lease.oldRows : addOldRow(lease.oldRows, node),
    dueAt: now.monotonic + lease.times.leaseRetryDelayMs,
  };
}

/** Keeps the first, whose lease was in force: revokes would wait for it. Of the others, whose joins failed, the latest are kept. */
function addOldRow(oldRows: readonly NodeId[], node: NodeId): readonly NodeId[] {
  return [...oldRows.slice(0, 1), ...oldRows.slice(1).slice(2 - MAX_OLD_ROWS), node];
}

function sendNext({ lease, actions }: LeaseStep, context: LeaseContext): LeaseStep {
  const statement = lease.state === "stopping" ? removeAll(lease) : nextStatement(lease, context);
  if (statement === undefined) {
    return lease.state === "stopping"
      ? { lease: { ...lease, state: "stopped" }, actions: [...actions, { type: "stopped" }] }
      : { lease, actions };
  }
  const { monotonic } = context.now;
  const dueAt = statement.type === "renew" ? monotonic + lease.times.leaseRenewalIntervalMs : lease.dueAt;
  const isNotified = lease.isNotified && statement.type !== "renew" && statement.type !== "readTail";
  return {
    lease: { ...lease, inFlight: { statement, sent: context.now }, dueAt, isNotified },
    actions: [...actions, { type: "send", statement }],
  };
}

function nextStatement(lease: NodeLease, { now, newNode }: LeaseContext): LeaseStatement | undefined {
  const { cursor, row, oldRows, dueAt, isNotified } = lease;
  if (now.monotonic < dueAt) {
    if (row === undefined) return undefined;
    // Without a durable write, for which a revoke would wait once more.
    if (isNotified && cursor !== undefined) return { type: "readTail", applied: cursor };
    return row.isInForce && oldRows.length > 0 ? { type: "remove", nodes: oldRows } : undefined;
  }
  if (cursor === undefined) return { type: "readHead" };
  if (row === undefined) return { type: "join", node: newNode };
  return { type: "renew", node: row.node, renewals: row.renewals, applied: cursor };
}

function removeAll({ row, oldRows }: NodeLease): LeaseStatement | undefined {
  const nodes = row === undefined ? oldRows : [...oldRows, row.node];
  return nodes.length === 0 ? undefined : { type: "remove", nodes };
}
