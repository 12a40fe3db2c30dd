import type { Uid } from "../../domain/uid.ts";

/*
 * Freshness of many nodes that share one database, as two state machines without I/O (docs/decisions/0008).
 *
 * An engine runs one `NodeLease` and one `RevokePoller` a process, each over one connection that carries one statement at a time.
 * It passes them messages with the time (`advanceLease`, `advancePoller`), at the latest at `leaseWakeAt` and `pollerWakeAt`, and
 * carries out the actions in their order, in the same turn. A statement that was sent brings one `replied` or `failed`; after
 * `disconnect` the old connection brings nothing more. `leaseInForce` is the question before each byte. A write that appended to
 * the log, or found that nothing was to append, passes its position to the poller after the commit, and waits for `settle`.
 * Every statement is one autocommitted transaction with `synchronous_commit = on` on the primary.
 */

/** The name of a row of `lease`: random, new for each join, never used again. */
export type NodeId = string;

/** An entry of the log. A position alone repeats after a failover or a restore; the random tag does not. */
export interface Cursor {
  readonly position: bigint;
  readonly tag: string;
}

/** One revoke. */
export interface LogEntry extends Cursor {
  readonly uid: Uid;
}

/** A row of `lease`. */
export interface LeaseRow {
  readonly node: NodeId;
  /** Grows with each renewal. */
  readonly renewals: bigint;
  /** The node has applied the log up to here; -1 before its first renewal. */
  readonly applied: bigint;
}

/** What the connection of the lease carries. */
export type LeaseStatement =
  /** Reads the last entry of the log. */
  | { readonly type: "readHead" }
  /** Inserts a row with `renewals` 0 and `applied` -1. */
  | { readonly type: "join"; readonly node: NodeId }
  /**
   * If the row has this count and the log has this entry: adds one to the count, and sets `applied`. It decides so and reads
   * what follows the entry in one snapshot.
   */
  | {
      readonly type: "renew";
      readonly node: NodeId;
      readonly renewals: bigint;
      readonly applied: Cursor;
    }
  /** Reads what follows an entry, if the log has it, in one snapshot. It writes nothing. */
  | { readonly type: "readTail"; readonly applied: Cursor }
  /** Deletes rows of this process, whatever their counts. */
  | { readonly type: "remove"; readonly nodes: readonly NodeId[] };

export type LeaseReply =
  | { readonly type: "head"; readonly cursor: Cursor }
  | { readonly type: "joined" }
  | {
      readonly type: "renewed";
      readonly renewals: bigint;
      /** What follows the cursor, in order. */
      readonly entries: readonly LogEntry[];
      /** Nothing follows these entries in the snapshot. */
      readonly isComplete: boolean;
    }
  /** What follows the cursor, in order, as far as one reply has room for it. */
  | { readonly type: "tail"; readonly entries: readonly LogEntry[] }
  /** There is no such row, or it has another count. */
  | { readonly type: "rowLost" }
  /** The log does not have the entry of the cursor. */
  | { readonly type: "cursorUnknown" }
  | { readonly type: "removed" };

/** What the connection of the poller carries. */
export type PollerStatement =
  /** Reads all rows. */
  | { readonly type: "poll" }
  /** Deletes a row if it has this count. */
  | { readonly type: "drop"; readonly node: NodeId; readonly renewals: bigint };

export type PollerReply =
  | { readonly type: "rows"; readonly rows: readonly LeaseRow[] }
  | { readonly type: "dropped" };
