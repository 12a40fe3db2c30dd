import { DEFAULT_LEASE_TIMES, waitMs, withLeaseMs } from "../lease/lease-times.ts";
import { askServer } from "./ask-server.ts";
import type { ConnectionConfig } from "./config/connection-config.ts";
import type { Connection } from "./connection.ts";
import { SET_DURABLE } from "./revocations/durable-statement.ts";
import { readNodeRows, watchNodes } from "./revocations/watched-nodes.ts";
import type { ServerFacts } from "./server-check.ts";
import { readServerFacts } from "./server-check.ts";
import { HAS_TABLES, MAY_CREATE } from "./store-presence.ts";

/** What the doctor asks a server. */
export interface ServerReport extends ServerFacts {
  /** As it is written: `14.5`, `18.0 (Debian 18.0-1)`. */
  readonly versionText: string;
  readonly synchronousCommit: string;
  readonly synchronousStandbyNames: string;
  /** How many connections the server accepts of users that are no superusers. */
  readonly maxConnections: number;
  /** `TLSv1.3`; absent: the connection is not encrypted. */
  readonly tlsVersion?: string;
  /** How far the server's clock is ahead of this process's, in milliseconds. The round trip makes it inexact. */
  readonly clockAheadMs: number;
  readonly roundTripMs: number;
  /** Whether a pooler gives each transaction another session. */
  readonly isPooled: boolean;
  /** Whether the user may make the schema. */
  readonly mayCreate: boolean;
  /** Absent: there is no store, or the server is a standby, which cannot write. */
  readonly store?: DatabaseStoreReport;
}

export interface DatabaseStoreReport {
  readonly schemaVersion: number;
  /** How long the leases of its nodes are, in milliseconds. */
  readonly leaseMs: number;
  /** Processes that serve: the row of one that has died does not count, unless its lease may be too long to wait for its end. */
  readonly nodes: number;
  /**
   * The time of a durable write, as a renewal is one: the median of several, in milliseconds. Absent: the store was moved away, and
   * its tables take no write.
   */
  readonly durableWriteMs?: number;
}

const SETTINGS = `
  SELECT current_setting('server_version') AS version,
         (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit,
         current_setting('synchronous_standby_names') AS synchronous_standby_names,
         current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS max_connections,
         (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls_version,
         ${MAY_CREATE} AS may_create,
         ${HAS_TABLES} AS has_schema`;

const STORE = `
  SELECT (SELECT max(version) FROM membrane.migration) AS schema_version,
         (SELECT lease_ms FROM membrane.lease_length) AS lease_ms,
         EXISTS (SELECT FROM pg_constraint
           WHERE conname = 'store_was_moved' AND conrelid = 'membrane.head'::regclass) AS is_closed`;

/** It changes nothing, and waits for the disk, and for a synchronous standby, as a renewal does. */
const DURABLE_WRITE = `UPDATE membrane.head SET position = position WHERE ${SET_DURABLE}`;

const WRITES = 5;

/** The doctor waits no longer for the end of the leases of nodes that have died, in milliseconds. */
const MAX_LEASE_WAIT_MS = 5_000;

/**
 * Asks a server for all that the doctor checks, over one connection.
 *
 * @param clocks this process's time of day and its clock of durations, in milliseconds.
 * @throws StoreBusyError if it cannot be reached.
 */
export function reportServer(config: ConnectionConfig, clocks: ReportClocks): Promise<ServerReport> {
  return askServer(config, async (connection) => {
    const facts = await readServerFacts(connection);
    const [row] = await connection.query(SETTINGS);
    const tlsVersion = row?.["tls_version"];
    return {
      ...facts,
      versionText: String(row?.["version"]),
      synchronousCommit: String(row?.["synchronous_commit"]),
      synchronousStandbyNames: String(row?.["synchronous_standby_names"]),
      maxConnections: Number(row?.["max_connections"]),
      isPooled: await connection.isPooled(),
      ...(typeof tlsVersion === "string" ? { tlsVersion } : {}),
      mayCreate: row?.["may_create"] === true,
      ...(await compareClocks(connection, clocks)),
      ...(row?.["has_schema"] === true && !facts.isStandby
        ? { store: await reportStore(connection, clocks) }
        : {}),
    };
  });
}

export interface ReportClocks {
  readonly wall: () => number;
  readonly monotonic: () => number;
}

/** The server's time is taken to be that of the middle of the round trip. */
async function compareClocks(
  connection: Connection,
  { wall, monotonic }: ReportClocks,
): Promise<Pick<ServerReport, "clockAheadMs" | "roundTripMs">> {
  const [wallBefore, before] = [wall(), monotonic()];
  const [row] = await connection.query(
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms",
  );
  const roundTripMs = monotonic() - before;
  return { clockAheadMs: Number(row?.["now_ms"]) - (wallBefore + roundTripMs / 2), roundTripMs };
}

async function reportStore(connection: Connection, clocks: ReportClocks): Promise<DatabaseStoreReport> {
  const [row] = await connection.query(STORE);
  const leaseMs = Number(row?.["lease_ms"]);
  return {
    schemaVersion: Number(row?.["schema_version"]),
    leaseMs,
    nodes: await countNodes(connection, waitMs(withLeaseMs(DEFAULT_LEASE_TIMES, leaseMs)), clocks),
    ...(row?.["is_closed"] === true ? {} : { durableWriteMs: await measureWrite(connection, clocks) }),
  };
}

async function measureWrite(connection: Connection, { monotonic }: ReportClocks): Promise<number> {
  const times: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const before = monotonic();
    await connection.execute(DURABLE_WRITE, []);
    times.push(monotonic() - before);
  }
  return times.toSorted((a, b) => a - b)[WRITES >> 1] ?? 0;
}

/** A start of a node with leases of another length counts in the same way. */
async function countNodes(
  connection: Connection,
  leaseWaitMs: number,
  { monotonic }: ReportClocks,
): Promise<number> {
  if (leaseWaitMs > MAX_LEASE_WAIT_MS) return (await readNodeRows(connection)).length;
  return (await watchNodes(connection, leaseWaitMs, monotonic)).live.length;
}
