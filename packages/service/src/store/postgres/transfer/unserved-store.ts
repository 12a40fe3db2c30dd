import { DEFAULT_LEASE_TIMES, waitMs, withLeaseMs } from "../../lease/lease-times.ts";
import type { Connection } from "../connection.ts";
import { CLOCKS } from "../revocations/clocks.ts";
import { keptLength } from "../revocations/lease-length.ts";
import { assertNotServed, watchNodes } from "../revocations/watched-nodes.ts";
import { beginUnlimited } from "./move-connection.ts";

/** All tables that a node writes to. */
const TABLES = [
  "meta",
  "record",
  "lookup",
  "name",
  "child",
  "count",
  "sweep",
  "expiry",
  "audit",
  "head",
  "log",
  "lease",
];

/** Longer than a write of a node takes: one that holds a lock for longer is still in use. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Begins a transaction in which others read on; a node that wants to write waits, also to join or to renew, and serves nothing
 * meanwhile.
 *
 * @param mode `SHARE` to read alone; `EXCLUSIVE` to write, which no other of these transactions does then.
 * @throws StoreFormatError if a node serves the store.
 */
export async function beginUnserved(connection: Connection, mode: "SHARE" | "EXCLUSIVE"): Promise<void> {
  const nodes = await watchNodes(connection, await leaseWaitMs(connection), CLOCKS.monotonic);
  assertNotServed(nodes);
  await beginUnlimited(connection);
  await connection.query(`SET LOCAL lock_timeout TO ${LOCK_TIMEOUT_MS}`);
  await connection.query(
    `LOCK TABLE ${TABLES.map((table) => `membrane.${table}`).join(", ")} IN ${mode} MODE`,
  );
  // No node can join or renew any more.
  assertNotServed(await nodes.lookAgain());
}

/** How long a lease of the nodes of this database is in force at the most. */
async function leaseWaitMs(connection: Connection): Promise<number> {
  return waitMs(withLeaseMs(DEFAULT_LEASE_TIMES, await keptLength(connection)));
}
