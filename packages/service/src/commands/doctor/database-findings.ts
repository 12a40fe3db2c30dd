import type { ServeConfig } from "../../config.ts";
import type { PostgresConfig } from "../../store-config.ts";
import { isLoopback, isUnixSocket } from "../../store/postgres/config/connection-settings.ts";
import { serverProblem } from "../../store/postgres/server-check.ts";
import type { DatabaseStoreReport, ServerReport } from "../../store/postgres/server-report.ts";
import { mayNotWrite } from "../database-errors.ts";
import type { Finding } from "./finding.ts";

/** What a report is compared with. */
export interface DatabaseExpectations extends PostgresConfig, Pick<ServeConfig, "workers"> {
  /** The newest schema that this program knows. */
  readonly schemaVersion: number;
  /** How many connections one process that serves may open. */
  readonly connectionsPerProcess: number;
  /** How many more the process keeps that starts several workers. */
  readonly connectionsOfParent: number;
}

/** Expiry follows the clocks of the nodes, and the age of entries of the revocation log that of the server. */
const MAX_CLOCK_DIFFERENCE_MS = 5_000;

/** A renewal that takes longer may be too late when the server is busier. */
const SLOW_WRITE_SHARE = 0.5;

/** What the doctor says about a server, from what it said of itself. */
export function databaseFindings(report: ServerReport, expected: DatabaseExpectations): readonly Finding[] {
  return [
    ...findServerProblem(report),
    findEncryption(report, expected),
    ...findStandby(report),
    findClock(report),
    findConnections(report, expected),
    ...findPooler(report),
    ...(report.store === undefined ? [findRights(report, expected)] : findStore(report.store, expected)),
  ];
}

function findServerProblem(report: ServerReport): readonly Finding[] {
  const { versionText, synchronousCommit } = report;
  const problem = serverProblem(report);
  if (problem !== undefined) return [{ ok: false, what: `database: ${problem}` }];
  return [
    { ok: true, what: `database: PostgreSQL ${versionText}, a primary` },
    {
      ok: true,
      what: `durability: fsync and full_page_writes are on; synchronous_commit is ${synchronousCommit}${synchronousCommit === "on" ? "" : ", and on in what the service writes"}`,
    },
  ];
}

function findEncryption({ tlsVersion }: ServerReport, { settings }: DatabaseExpectations): Finding {
  const { sslMode, host, caFile } = settings;
  if (tlsVersion === undefined) {
    const isLocal = isUnixSocket(host) || isLoopback(host);
    return isLocal
      ? { ok: true, what: "encryption: none, and the server is on this machine" }
      : warning(
          "encryption: none: what the service reads and writes can be seen and changed on its way; use sslmode=verify-full",
        );
  }
  const isVerified = sslMode !== "require" || caFile !== undefined;
  return isVerified
    ? { ok: true, what: `encryption: ${tlsVersion}, ${sslMode}` }
    : warning(
        `encryption: ${tlsVersion}, and the server is not verified: use sslmode=verify-full, with its CA in sslrootcert`,
      );
}

function findStandby({ isStandby, synchronousStandbyNames }: ServerReport): readonly Finding[] {
  if (isStandby) return [];
  return synchronousStandbyNames === ""
    ? [
        warning(
          "standby: synchronous_standby_names is empty: without a synchronous standby a failover can lose revokes that were acknowledged",
        ),
      ]
    : [{ ok: true, what: `standby: synchronous_standby_names is ${synchronousStandbyNames}` }];
}

function findClock({ clockAheadMs, roundTripMs }: ServerReport): Finding {
  const [ahead, margin] = [Math.round(clockAheadMs), Math.ceil(roundTripMs / 2)];
  const what = `clock of the server: ${Math.abs(ahead)} ms ${ahead < 0 ? "behind" : "ahead"} (±${margin} ms)`;
  return Math.abs(ahead) <= MAX_CLOCK_DIFFERENCE_MS + margin
    ? { ok: true, what }
    : warning(`${what}: set both clocks by NTP, since capabilities expire by them`);
}

function findConnections(
  { maxConnections, store }: ServerReport,
  { workers, connectionsPerProcess, connectionsOfParent }: DatabaseExpectations,
): Finding {
  const processes = Math.max(workers, store?.nodes ?? 0);
  const needed = processes * connectionsPerProcess + (workers > 1 ? connectionsOfParent : 0);
  const what = `connections: ${processes} process(es) use up to ${needed} of ${maxConnections}`;
  return needed <= maxConnections
    ? { ok: true, what }
    : warning(`${what}: raise max_connections, or start fewer processes`);
}

function findPooler({ isPooled }: ServerReport): readonly Finding[] {
  if (!isPooled) return [];
  return [
    warning(
      "pooler: the connection passes through one, and a revoke takes up to 0.3 s: connect to the server directly",
    ),
  ];
}

function findRights({ mayCreate }: ServerReport, { settings }: DatabaseExpectations): Finding {
  return mayCreate
    ? { ok: true, what: "schema: none yet, the first start makes it" }
    : { ok: false, what: `schema: ${mayNotWrite(settings)}` };
}

function findStore(
  { schemaVersion, leaseMs, nodes, durableWriteMs }: DatabaseStoreReport,
  { leaseTimes, schemaVersion: known }: DatabaseExpectations,
): readonly Finding[] {
  const isKnown = schemaVersion <= known;
  const schema = `schema: version ${schemaVersion}`;
  return [
    {
      ok: isKnown,
      what: isKnown
        ? `${schema}${schemaVersion === known ? "" : `, the next start brings it to ${known}`}`
        : `${schema}, and this program knows schemas up to ${known}: use the program that changed it, or a newer one`,
    },
    // No node serves a store that was moved away.
    ...(durableWriteMs === undefined
      ? []
      : [
          findLease(leaseMs, nodes, leaseTimes.leaseMs),
          findRoundTrip(durableWriteMs, leaseTimes.leaseReplyTimeoutMs),
        ]),
  ];
}

function findLease(kept: number, nodes: number, own: number): Finding {
  const what = `lease: ${kept} ms, ${nodes} process(es) serve`;
  if (kept === own) return { ok: true, what };
  return nodes === 0
    ? { ok: true, what: `${what}; the next start makes it ${own} ms` }
    : {
        ok: false,
        what: `${what}, and --lease-ms is ${own} here: give it the same, or stop all nodes to change it`,
      };
}

function findRoundTrip(durableWriteMs: number, timeoutMs: number): Finding {
  const what = `lease round trip: ${durableWriteMs.toFixed(1)} ms for a durable write`;
  if (durableWriteMs < timeoutMs * SLOW_WRITE_SHARE) return { ok: true, what };
  return warning(
    `${what}, and a renewal has --lease-reply-timeout-ms ${timeoutMs}: use a faster disk or network, or longer times of the lease`,
  );
}

function warning(what: string): Finding {
  return { ok: true, isWarning: true, what };
}
