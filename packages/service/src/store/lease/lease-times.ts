import type { Parsed } from "capability-protocol";
import { ok, refuse } from "capability-protocol";

/** The times of the protocol, in milliseconds. */
export interface LeaseTimes {
  /** How long a renewal lets a node serve. All nodes of a database must have the same: a revoke waits as long. */
  readonly leaseMs: number;
  /** What a node serves less, and a revoke waits more: it covers clocks that run at different rates. */
  readonly leaseMarginMs: number;
  /** From the sending of a renewal to that of the next, if there is nothing to do earlier. */
  readonly leaseRenewalIntervalMs: number;
  /** Time for the reply to a statement; then its connection is destroyed. */
  readonly leaseReplyTimeoutMs: number;
  /** The same for the first statement on a connection, with the time to connect. */
  readonly leaseConnectTimeoutMs: number;
  /**
   * From a failure to the next attempt. The driver doubles it up to a second while no attempt has a reply that can be read, and further
   * while the user is refused.
   */
  readonly leaseRetryDelayMs: number;
  /** From one look for rows of nodes that have ended to the next. */
  readonly leaseCleanupIntervalMs: number;
}

export const DEFAULT_LEASE_TIMES: LeaseTimes = {
  leaseMs: 1_000,
  leaseMarginMs: 50,
  leaseRenewalIntervalMs: 250,
  leaseReplyTimeoutMs: 300,
  leaseConnectTimeoutMs: 1_000,
  leaseRetryDelayMs: 50,
  leaseCleanupIntervalMs: 10_000,
};

/** How far the rate of a monotonic clock may be from the true one, either way. */
export const MAX_CLOCK_DRIFT_PERCENT = 5;

/** A longer wait of every revoke for a dead node would be no service, and timers count no further than 24 days. */
export const MAX_LEASE_TIME_MS = 600_000;

/**
 * Refuses times with which a revoke could be acknowledged while a node still serves on an older lease, or with which one late
 * reply would stop a node.
 *
 * The slowest clock counts `leaseMs - leaseMarginMs` in no more true time than the fastest counts `leaseMs + leaseMarginMs`
 * exactly if the margin is at least the drift's share of the lease.
 */
export function parseLeaseTimes(input: LeaseTimes): Parsed<LeaseTimes> {
  for (const [name, value] of Object.entries(input)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > MAX_LEASE_TIME_MS)
      return refuse(name, `a whole number of milliseconds from 1 to ${MAX_LEASE_TIME_MS}`);
  }
  const served = input.leaseMs - input.leaseMarginMs;
  if (input.leaseMarginMs * 100 < input.leaseMs * MAX_CLOCK_DRIFT_PERCENT)
    return refuse("leaseMarginMs", `at least ${MAX_CLOCK_DRIFT_PERCENT} % of leaseMs`);
  const needed = input.leaseRenewalIntervalMs + input.leaseReplyTimeoutMs + input.leaseRetryDelayMs;
  if (served <= needed) {
    return refuse(
      "leaseMs",
      `more than leaseMarginMs, leaseRenewalIntervalMs, leaseReplyTimeoutMs and leaseRetryDelayMs together (${input.leaseMarginMs + needed})`,
    );
  }
  if (input.leaseConnectTimeoutMs < input.leaseReplyTimeoutMs)
    return refuse("leaseConnectTimeoutMs", "at least leaseReplyTimeoutMs");
  return ok(input);
}

/** @param isConnected whether a reply has arrived on the connection. */
export function timeoutMs(times: LeaseTimes, isConnected: boolean): number {
  return isConnected ? times.leaseReplyTimeoutMs : times.leaseConnectTimeoutMs;
}

/** How long a node serves after it sent a renewal, on its clock. */
export function servedMs({ leaseMs, leaseMarginMs }: LeaseTimes): number {
  return leaseMs - leaseMarginMs;
}

/** How long it takes on any other clock until no lease is in force that was renewed before. */
export function waitMs({ leaseMs, leaseMarginMs }: LeaseTimes): number {
  return leaseMs + leaseMarginMs;
}

/** The same times with another length of a lease, and a margin that is enough for it. */
export function withLeaseMs(times: LeaseTimes, leaseMs: number): LeaseTimes {
  const leastMargin = Math.ceil((leaseMs * MAX_CLOCK_DRIFT_PERCENT) / 100);
  return { ...times, leaseMs, leaseMarginMs: Math.max(times.leaseMarginMs, leastMargin) };
}
