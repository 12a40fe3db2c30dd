import type { Departure } from "../../codec/format-row.ts";
import type { ServiceKeys } from "../../keys.ts";
import { DEFAULT_LEASE_TIMES, waitMs, withLeaseMs } from "../../lease/lease-times.ts";
import { StoreFormatError } from "../../store.ts";
import type { DepartingStore } from "../../transfer/move-store.ts";
import type { ConnectionConfig } from "../config/connection-config.ts";
import type { Connection } from "../connection.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations.ts";
import { CLOCKS } from "../revocations/clocks.ts";
import { keptLength } from "../revocations/lease-length.ts";
import { assertNotServed, watchNodes } from "../revocations/watched-nodes.ts";
import { findForeignOwner } from "../foreign-owner.ts";
import { checkServer } from "../server-check.ts";
import { encodeFormat, readFormat } from "../store-format.ts";
import { hasTables } from "../store-presence.ts";
import { beginUnlimited, useMoveConnection } from "./move-connection.ts";
import { createStoredRows } from "./stored-rows.ts";

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
  "head",
  "log",
  "lease",
];

/** Others read on; a node that wants to write waits, also to join or to renew, and serves nothing meanwhile. */
const LOCK = `LOCK TABLE ${TABLES.map((table) => `membrane.${table}`).join(", ")} IN SHARE MODE`;

/** Longer than a write of a node takes: one that holds a lock for longer is still in use. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * A node that was stopped all the while still has its connections and its plans, and reads the format no more. These constraints
 * let it neither renew a lease, nor create a record, nor acknowledge a revoke.
 */
const CLOSED_TABLES = ["lease", "record", "head"];

/**
 * Lets `use` read a store that is to be moved away. Meanwhile no node can write to it, or join it.
 *
 * @throws StoreFormatError if a node serves it, if it was made with another service key, or if a part of it belongs to another user.
 */
export function withDepartingStore<T>(
  config: ConnectionConfig,
  keys: ServiceKeys,
  use: (store: DepartingStore) => Promise<T>,
): Promise<T> {
  return useMoveConnection(config, async (connection) => {
    await checkServer(connection);
    if (!(await hasTables(connection))) throw new StoreFormatError("there is no store");
    // Its tables are closed after the copy, which may take hours, and only their owner may do that.
    const foreign = await findForeignOwner(connection);
    if (foreign !== undefined) throw new StoreFormatError(foreign);
    await migrate(connection, MIGRATIONS);
    const nodes = await watchNodes(connection, await leaseWaitMs(connection), CLOCKS.monotonic);
    assertNotServed(nodes);
    await beginUnlimited(connection);
    await connection.query(`SET LOCAL lock_timeout TO ${LOCK_TIMEOUT_MS}`);
    await connection.query(LOCK);
    // No node can join or renew any more.
    assertNotServed(await nodes.lookAgain());
    const format = await readFormat(connection, keys);
    if (format === undefined) throw new StoreFormatError("there is no store");
    let isLocked = true;
    return use({
      format,
      pages: createStoredRows(connection, keys).pages,
      async markDeparture(departure: Departure) {
        if (isLocked) await closeTables(connection);
        else await connection.begin();
        isLocked = false;
        await updateFormat(connection, encodeFormat({ ...format, departure }, keys));
        await connection.commit();
      },
    });
  });
}

/** How long a lease of the nodes of this database is in force at the most. */
async function leaseWaitMs(connection: Connection): Promise<number> {
  return waitMs(withLeaseMs(DEFAULT_LEASE_TIMES, await keptLength(connection)));
}

async function closeTables(connection: Connection): Promise<void> {
  await connection.query("DELETE FROM membrane.lease");
  for (const table of CLOSED_TABLES) {
    // An earlier attempt may have added it.
    await connection.query(`ALTER TABLE membrane.${table} DROP CONSTRAINT IF EXISTS store_was_moved`);
    await connection.query(
      `ALTER TABLE membrane.${table} ADD CONSTRAINT store_was_moved CHECK (false) NOT VALID`,
    );
  }
}

async function updateFormat(connection: Connection, body: Buffer): Promise<void> {
  await connection.query("UPDATE membrane.meta SET body = $1 WHERE key = 'format'", [body]);
}
