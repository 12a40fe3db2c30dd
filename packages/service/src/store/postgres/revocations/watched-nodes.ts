import { setTimeout } from "node:timers/promises";
import type { LeaseRow } from "../../lease/statements.ts";
import type { WatchedRow } from "../../lease/watched-rows.ts";
import { unchangedFor, watchRows } from "../../lease/watched-rows.ts";
import { StoreFormatError } from "../../store.ts";
import type { Connection } from "../connection.ts";
import { parseNodeRows, POLL } from "./poller-statements.ts";

/** The rows of nodes after two looks or more. */
export interface WatchedNodes {
  /** Their counts did not change for as long as a lease lasts: none of these leases is in force. */
  readonly dead: readonly WatchedRow[];
  /** They joined or renewed their leases meanwhile. */
  readonly live: readonly WatchedRow[];
  lookAgain(): Promise<WatchedNodes>;
}

/**
 * Watches the rows of nodes for as long as a lease lasts, since that of a node that has died remains for a while. Without rows it
 * does not wait.
 *
 * @param leaseWaitMs how long a lease of these nodes is in force at the most.
 */
export async function watchNodes(
  connection: Connection,
  leaseWaitMs: number,
  monotonic: () => number,
): Promise<WatchedNodes> {
  const look = async (known: readonly WatchedRow[]): Promise<WatchedNodes> => {
    const rows = watchRows(known, await readNodeRows(connection), monotonic());
    const dead = unchangedFor(rows, leaseWaitMs, monotonic());
    return { dead, live: rows.filter((row) => !dead.includes(row)), lookAgain: () => look(rows) };
  };
  const first = await look([]);
  if (first.live.length === 0) return first;
  const end = monotonic() + leaseWaitMs;
  // A timer may end early.
  while (monotonic() < end) await setTimeout(end - monotonic());
  return first.lookAgain();
}

/** @throws StoreFormatError if a node serves the store. */
export function assertNotServed({ live }: WatchedNodes): void {
  if (live.length === 0) return;
  throw new StoreFormatError(
    `the store is in use: stop all nodes first (${live.length} of them renewed a lease just now)`,
  );
}

/** @throws TypeError if the server is a standby, which may lack rows. */
export async function readNodeRows(connection: Connection): Promise<readonly LeaseRow[]> {
  return parseNodeRows(await connection.query(POLL.text, POLL.parameters));
}
