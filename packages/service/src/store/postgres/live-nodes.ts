import { setTimeout as delay } from "node:timers/promises";
import { StoreFormatError } from "../store.ts";
import type { Connection } from "./connection.ts";
import { bigintOf, uidColumnOf } from "./sql-values.ts";

/** The count of renewals of each node, by its row in `lease`. */
export type Renewals = ReadonlyMap<string, bigint>;

/**
 * Refuses a store that a node serves. A row of a node that has died remains for a while, so each row is watched for as long as a
 * lease lasts: one whose count does not change is in force no more.
 *
 * @returns the rows of dead nodes.
 * @throws StoreFormatError
 */
export async function assertNotServed(connection: Connection, leaseWaitMs: number): Promise<Renewals> {
  const before = await readRenewals(connection);
  if (before.size === 0) return before;
  await delay(leaseWaitMs);
  const after = await readRenewals(connection);
  assertUnchanged(before, after);
  return after;
}

/**
 * Checks again, once no node can renew.
 *
 * @throws StoreFormatError
 */
export async function assertStillNotServed(connection: Connection, before: Renewals): Promise<void> {
  assertUnchanged(before, await readRenewals(connection));
}

function assertUnchanged(before: Renewals, after: Renewals): void {
  const live = countRenewed(before, after);
  if (live === 0) return;
  throw new StoreFormatError(
    `the store is in use: stop all nodes first (${live} of them renewed a lease just now)`,
  );
}

/** How many nodes have joined or renewed their leases between two readings. */
export function countRenewed(before: Renewals, after: Renewals): number {
  return [...after].filter(([node, renewals]) => before.get(node) !== renewals).length;
}

export async function readRenewals(connection: Connection): Promise<Renewals> {
  const rows = await connection.query("SELECT node, renewals FROM membrane.lease");
  return new Map(rows.map((row) => [uidColumnOf(row, "node"), bigintOf(row, "renewals")]));
}
