import type { LeaseTimes } from "../../lease/lease-times.ts";
import { waitMs, withLeaseMs } from "../../lease/lease-times.ts";
import { StoreFormatError } from "../../store.ts";
import type { Connection } from "../connection.ts";
import { bigintOf } from "../sql-values.ts";
import { pollerStatement } from "./poller-statements.ts";
import { watchNodes } from "./watched-nodes.ts";

/*
 * All nodes of a database must have leases of the same length, since each revoke waits as long as one. The database keeps it: a
 * node that joins and a revoke that is committed both lock its row, and it changes only while there is no row of a node.
 */

const KEPT = "SELECT lease_ms FROM membrane.lease_length";

/**
 * Makes the length of this node's leases that of the database, if no other node serves.
 *
 * @throws StoreFormatError if another one does, with leases of another length.
 */
export async function agreeOnLength(
  connection: Connection,
  times: LeaseTimes,
  monotonic: () => number,
): Promise<void> {
  const kept = await keptLength(connection);
  if (kept === times.leaseMs) return;
  await dropDeadRows(connection, withLeaseMs(times, kept), monotonic);
  await connection.transaction(async () => {
    const [row] = await connection.query(`${KEPT} FOR UPDATE`);
    // Another node with this length was faster: all workers of a process start at once.
    if (row !== undefined && lengthOf(row) === times.leaseMs) return;
    // A later statement than the lock: a node that has joined before it has its row in this snapshot.
    const [found] = await connection.query("SELECT EXISTS (SELECT FROM membrane.lease) AS has_nodes");
    if (found?.["has_nodes"] === true)
      throw new StoreFormatError(lengthMismatch(row === undefined ? kept : lengthOf(row), times.leaseMs));
    await connection.query("UPDATE membrane.lease_length SET lease_ms = $1", [times.leaseMs]);
  });
}

/** The length of a lease in milliseconds that the nodes of the database have, or had last. */
export async function keptLength(connection: Connection): Promise<number> {
  const [row] = await connection.query(KEPT);
  if (row === undefined) throw new StoreFormatError("the database does not say how long a lease is");
  return lengthOf(row);
}

/** Says what to do when the database has another length than this node. */
export function lengthMismatch(kept: number, own: number): string {
  return (
    `the nodes of this database have leases of ${kept} ms, and this one has ${own} ms: ` +
    `give it the same, or stop all other nodes before it starts`
  );
}

/** After all nodes were killed, their rows are still there. */
async function dropDeadRows(
  connection: Connection,
  kept: LeaseTimes,
  monotonic: () => number,
): Promise<void> {
  const { dead } = await watchNodes(connection, waitMs(kept), monotonic);
  for (const { node, renewals } of dead) {
    const drop = pollerStatement({ type: "drop", node, renewals }, kept.leaseMs);
    await connection.execute(drop.text, drop.parameters);
  }
}

function lengthOf(row: Parameters<typeof bigintOf>[0]): number {
  return Number(bigintOf(row, "lease_ms"));
}
