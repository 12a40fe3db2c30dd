import type { Limit } from "./service-limit.ts";
import type { LeaseTimes } from "./store/lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES, MAX_LEASE_TIME_MS, withLeaseMs } from "./store/lease/lease-times.ts";

/** The times of the lease of a node, as limits with flags. */
export const LEASE_LIMITS: Readonly<Record<keyof LeaseTimes, Limit>> = {
  leaseMs: leaseLimit("leaseMs", {
    description: "Lease of a node: a revoke waits as long for one that has died",
    details:
      "the same for all nodes of a database; more than its margin, renewal interval, reply timeout and retry delay together",
  }),
  leaseMarginMs: leaseLimit("leaseMarginMs", {
    description: "Margin for clock drift: subtracted from a node's lease, added to a revoke's wait",
    details:
      "5 % of `--lease-ms` or more, since the rates of two clocks differ; 5 % is the default if it is more than 50",
  }),
  leaseRenewalIntervalMs: leaseLimit("leaseRenewalIntervalMs", {
    description: "Time from one renewal of the lease to the next",
    details: "a node also renews when it learns of a revoke",
  }),
  leaseReplyTimeoutMs: leaseLimit("leaseReplyTimeoutMs", {
    description: "Time for the reply to a renewal, after which the node connects anew",
  }),
  leaseConnectTimeoutMs: leaseLimit("leaseConnectTimeoutMs", {
    description: "Time for the first reply on a new connection, connecting included",
    details: "not less than `--lease-reply-timeout-ms`",
  }),
  leaseRetryDelayMs: leaseLimit("leaseRetryDelayMs", {
    description:
      "Time from a failed renewal to the next attempt; doubles up to a second while no attempt succeeds, up to a minute while the server refuses the password",
  }),
  leaseCleanupIntervalMs: leaseLimit("leaseCleanupIntervalMs", {
    description: "Time from one removal of the leases of dead nodes to the next",
  }),
};

/** The margin of a longer lease is longer too, unless it is given. */
export function defaultMargin(leaseMs: number | undefined): Partial<Pick<LeaseTimes, "leaseMarginMs">> {
  if (leaseMs === undefined) return {};
  return { leaseMarginMs: withLeaseMs(DEFAULT_LEASE_TIMES, leaseMs).leaseMarginMs };
}

function leaseLimit(name: keyof LeaseTimes, texts: Pick<Limit, "description" | "details">): Limit {
  return {
    default: DEFAULT_LEASE_TIMES[name],
    maximum: MAX_LEASE_TIME_MS,
    engine: "postgres",
    unit: "milliseconds",
    ...texts,
  };
}
