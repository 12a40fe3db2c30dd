import { leaseInForce } from "../../../src/store/lease/held-lease.ts";
import type { LeaseTimes } from "../../../src/store/lease/lease-times.ts";
import { DEFAULT_LEASE_TIMES } from "../../../src/store/lease/lease-times.ts";
import { advanceLease } from "../../../src/store/lease/node-lease.ts";
import { advancePoller } from "../../../src/store/lease/revoke-poller.ts";
import type { DatabaseRules } from "./database.ts";
import { RECOMMENDED_DATABASE } from "./database.ts";

/** What is explored: the functions of the product, and a database. A weakening replaces one of these. */
export interface Protocol {
  readonly times: LeaseTimes;
  readonly advanceLease: typeof advanceLease;
  readonly advancePoller: typeof advancePoller;
  readonly leaseInForce: typeof leaseInForce;
  /** From when on a revoke waits, of the times when the reply to its append arrived and when that was sent. */
  readonly waitFrom: (repliedAt: number, sentAt: number) => number;
  readonly nodeName: (process: number, name: number) => string;
  readonly database: DatabaseRules;
}

export const RECOMMENDED: Protocol = {
  // A tick is long enough for each of these to pass, on a slow clock too. Rows are known before a revoke begins.
  times: {
    ...DEFAULT_LEASE_TIMES,
    leaseRenewalIntervalMs: 200,
    leaseReplyTimeoutMs: 200,
    leaseConnectTimeoutMs: 200,
    leaseRetryDelayMs: 1,
    leaseCleanupIntervalMs: 200,
  },
  advanceLease,
  advancePoller,
  leaseInForce,
  waitFrom: (repliedAt) => repliedAt,
  nodeName: (process, name) => `${process}.${name}`,
  database: RECOMMENDED_DATABASE,
};

/** What may happen, and how much of it. */
export interface Scenario {
  readonly protocol: Protocol;
  /** The rate of each node's clock; 1 is right. */
  readonly nodeRates: readonly number[];
  readonly revokerRate: number;
  /** The true time that passes at once, in milliseconds. */
  readonly tickMs: number;
  /** The membrane of each revoke. */
  readonly revokes: readonly number[];
  /** Whether each node has a lease at first, and its row is known; otherwise it has just been started. */
  readonly startsServing: boolean;
  /** The steps that happen first, by the beginnings of their labels. */
  readonly begins: readonly string[];
  /** Whether other processes come between the actions of one turn of a node. */
  readonly splitsTurns: boolean;
  /** How many statements each node may send. */
  readonly nodeSends: number;
  /** How many after it was killed and started again. */
  readonly restartedSends: number;
  readonly pollerSends: number;
  readonly restarts: number;
  readonly crashes: number;
  readonly failovers: number;
  /** How much time at least passes between the loss of the primary and the promotion of its standby, in milliseconds. */
  readonly failoverMs: number;
  /** Ticks in which the monotonic clocks of the nodes stop, and their wall clocks do not. */
  readonly suspensions: number;
}

export const SLOW = 0.95;
export const FAST = 1.05;

export const BASE: Scenario = {
  protocol: RECOMMENDED,
  nodeRates: [SLOW],
  revokerRate: FAST,
  tickMs: 500,
  revokes: [0],
  startsServing: true,
  begins: [],
  splitsTurns: false,
  nodeSends: 2,
  restartedSends: 3,
  pollerSends: 2,
  restarts: 0,
  crashes: 0,
  failovers: 0,
  failoverMs: 1_000,
  suspensions: 0,
};
