import type { Engine } from "../../engine.ts";
import type { LeaseTimes } from "../../lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES, waitMs, withLeaseMs } from "../../lease/lease-times.ts";
import type { Position, RevocationSource } from "../../revocation-source.ts";
import { StoreBusyError } from "../../store.ts";
import type { Connection } from "../connection.ts";
import { CLOCKS } from "./clocks.ts";
import { driveLease } from "./lease-driver.ts";
import { agreeOnLength, keptLength } from "./lease-length.ts";
import { createLeaseSource } from "./lease-source.ts";
import { listenToLog } from "./notifications.ts";
import { drivePoller } from "./poller-driver.ts";
import type { OpenConnection } from "./statement-connection.ts";

/** What a process does with the store: a node that serves has a lease, a command of the operator has none. */
export type NodeRole = { readonly serves: true; readonly times: LeaseTimes } | { readonly serves: false };

/** Where the log ends after a revoke, and how long the leases are that do not have its entry. */
export interface RevokeCommit {
  readonly position: Position;
  readonly leaseMs: number;
}

/** How the nodes of a database learn of revokes (docs/decisions/0008). */
export interface RevocationProtocol extends RevocationSource, Pick<Engine, "positionFailure" | "leaseAgeMs"> {
  /**
   * Resolves when no node passes anything on that was revoked up to the position.
   *
   * @throws StoreBusyError if that is not known in time. The revoke is durable, and can be repeated.
   */
  waitUntilApplied(commit: RevokeCommit): Promise<void>;
  /** Waits for the revokes that wait, ends the lease, and deletes its row if the server responds in time. */
  close(): Promise<void>;
}

export interface RevocationProtocolOptions {
  readonly open: OpenConnection;
  readonly times: LeaseTimes;
  readonly serves: boolean;
  /** SHA-256 of the format row that the process has read, in hex. */
  readonly formatDigest: string;
  /** Whether the server can notify a connection: behind a pooler another program's could be notified. */
  readonly canListen: boolean;
  /** How long a revoke may wait, after its commit, in addition to the time that a dead node takes, in milliseconds. */
  readonly replyTimeoutMs: number;
  readonly onRevocationsLost: (applied: Position) => void;
}

/** How long a request waits for a lease. Requests keep arriving, and those that waited longer would fill the memory. */
const REFRESH_TIMEOUT_MS = 1_000;

/** The first lease needs several statements, and the server may be busy with other starts. */
const FIRST_LEASE_TIMEOUT_MS = 10_000;

/** How long {@link agreeOnTimes} may wait for the leases of nodes that were killed, in milliseconds: they may have long ones. */
export async function agreementWaitMs(connection: Connection, role: NodeRole): Promise<number> {
  return role.serves ? waitMs(withLeaseMs(role.times, await keptLength(connection))) : 0;
}

/**
 * The times of a process's leases, or of its revokes if it has none.
 *
 * @throws StoreFormatError if other nodes serve with leases of another length.
 */
export async function agreeOnTimes(connection: Connection, role: NodeRole): Promise<LeaseTimes> {
  if (!role.serves) return withLeaseMs(DEFAULT_LEASE_TIMES, await keptLength(connection));
  await agreeOnLength(connection, role.times, CLOCKS.monotonic);
  return role.times;
}

/**
 * Starts what the role of the process needs. A node that serves has its first lease when this resolves.
 *
 * @throws StoreBusyError if it has none in time.
 */
export async function startRevocations(options: RevocationProtocolOptions): Promise<RevocationProtocol> {
  const { open, times } = options;
  const poller = drivePoller(open, times, waitMs(times) + options.replyTimeoutMs, CLOCKS.monotonic);
  const waitUntilApplied: RevocationProtocol["waitUntilApplied"] = async ({ position, leaseMs }) => {
    if (leaseMs !== times.leaseMs)
      throw new StoreBusyError(`leases have ${leaseMs} ms now, and this process knows ${times.leaseMs} ms`);
    await poller.wait(position.sequence);
  };
  if (!options.serves) return { ...NO_LEASE, waitUntilApplied, close: poller.close };

  const source = createLeaseSource({
    clocks: CLOCKS,
    refreshTimeoutMs: REFRESH_TIMEOUT_MS,
    renew: () => lease.renew(),
    onRevocationsLost: options.onRevocationsLost,
  });
  const lease = driveLease(open, source, { times, formatDigest: options.formatDigest }, CLOCKS);
  const notifications = options.canListen ? listenToLog(open, lease.notify, CLOCKS.monotonic) : undefined;
  const close = async (): Promise<void> => {
    source.close();
    await Promise.all([lease.stop(), poller.close(), notifications?.close()]);
  };
  try {
    await source.waitForLease(FIRST_LEASE_TIMEOUT_MS);
  } catch (error) {
    await close();
    throw error;
  }
  const { position, positionMaxAgeMs, positionFailure, leaseAgeMs, revocationsSince, refresh } = source;
  return {
    position,
    positionMaxAgeMs,
    positionFailure,
    leaseAgeMs,
    revocationsSince,
    refresh,
    waitUntilApplied,
    close,
  };
}

/** A process that serves nothing need not know the log. */
const NO_LEASE: Omit<RevocationProtocol, "waitUntilApplied" | "close"> = {
  position: () => undefined,
  positionMaxAgeMs: 0,
  positionFailure: () => undefined,
  leaseAgeMs: () => undefined,
  revocationsSince: (position) => ({ position, uids: "everything" }),
  refresh: () => Promise.reject(new StoreBusyError("this process has no lease")),
};
