import { CLIENT_LIMITS } from "./client-limits.ts";
import { mapValues } from "./collections/map-values.ts";
import { INVOCATION_LIMITS } from "./invocation-limits.ts";
import { LEASE_LIMITS } from "./lease-limits.ts";
import type { Limit, LimitFlag } from "./service-limit.ts";
import type { LeaseTimes } from "./store/lease/lease-times.ts";

/**
 * Every limit of the service but those of clients, of invocations and of leases, by what it is about. With those, types, flags, variables,
 * help, messages and the tables in docs/configuration.md are made from it.
 */
const TABLE = {
  upstream: {
    upstreamConnectTimeoutMs: {
      default: 10_000,
      unit: "milliseconds",
      description: "Time for name lookup, connection and TLS handshake with a target, together",
    },
    upstreamResponseTimeoutMs: {
      default: 300_000,
      unit: "milliseconds",
      description:
        "Time for a target to begin its response; the wait for a connection before it may take as long",
      details: "a target's own `timeoutMs` can only shorten it",
    },
    upstreamIdleTimeoutMs: {
      default: 300_000,
      unit: "milliseconds",
      description: "Longest silence of a target, before its response and within it",
      details: "a target's own `timeoutMs` can only shorten it",
    },
    upstreamPoolIdleMs: {
      default: 60_000,
      unit: "milliseconds",
      description: "Time after which an unused connection pool is closed",
    },
    maxUpstreamConnections: {
      default: 16_384,
      unit: "count",
      description: "Connections to targets, in all",
      details: "[shared](#what-is-shared)",
    },
    maxUpstreamConnectionsPerDestination: {
      default: 1_024,
      unit: "count",
      description: "Connections of one tenant's targets to one destination",
      details: "further requests wait",
    },
    maxUpstreamPools: {
      default: 8_192,
      unit: "count",
      description: "Connection pools, one for each destination of a tenant and its TLS material",
      details: "[shared](#what-is-shared)",
    },
    upstreamPoolBytesTotal: {
      default: 268_435_456,
      unit: "bytes",
      description: "Memory for all connection pools and their TLS contexts",
      details:
        "a pool counts 48 KiB, and five bytes for each byte of its PEM texts; [shared](#what-is-shared)",
    },
  },
  management: {
    managementBodyBytes: {
      default: 1_048_576,
      unit: "bytes",
      description: "Body of a request to the service itself",
      details: "over it a 413",
    },
    managementBufferedBytesTotal: {
      default: 67_108_864,
      unit: "bytes",
      description: "Memory for all bodies of requests to the service itself",
      details: "[shared](#what-is-shared)",
    },
    maxJsonDepth: {
      default: 32,
      unit: "count",
      description: "Nesting of objects and arrays in such a body",
      details: "over it a 400",
    },
    maxWaitingPagesPerTenant: {
      default: 1_024,
      unit: "count",
      description: "Requests for pages of query that wait for one tenant",
      details: "[shared](#what-is-shared)",
    },
  },
  store: {
    storeWriteTimeoutMs: {
      default: 2_000,
      unit: "milliseconds",
      description: "Time for a whole write to the store: the wait for its turn, its commit and its flush",
      details: "over it a 503",
    },
    storeReserveBytes: {
      default: 4_194_304,
      unit: "bytes",
      // It is written at once: a slip of the finger would fill the disk.
      maximum: 1_073_741_824,
      engine: "lmdb",
      description: "Space in the store's file that is reserved for revokes when the disk is full",
    },
    // A clock that was set wrong for hours must not delete what is alive once it is set right.
    expiredRetentionMs: {
      default: 86_400_000,
      unit: "milliseconds",
      description: "Time until a capability that has expired is deleted, with all that depends on it",
      details: "it is dead at once, and counts against quotas until then",
    },
  },
  nodes: {
    storeReadTimeoutMs: {
      default: 2_000,
      engine: "postgres",
      unit: "milliseconds",
      description: "Time for a read from the database",
      details: "over it a 503",
    },
  },
  traces: {
    maxTracedRequestsPerSecond: {
      default: 100,
      unit: "count",
      description: "Requests whose traces are recorded in each second",
      details: "what clients send leads to no more; [shared](#what-is-shared)",
    },
    spanQueueBytes: {
      default: 4_194_304,
      unit: "bytes",
      description: "Memory for spans that wait for the collector",
      details: "beyond it spans are dropped and counted",
    },
    spanExportTimeoutMs: {
      default: 10_000,
      unit: "milliseconds",
      description: "Time for the collector to take spans",
    },
  },
  quotas: {
    maxTenants: {
      default: 100_000,
      unit: "count",
      description: "Tenants of the service",
      details: "deleted ones excluded; over it a 409",
    },
    maxMembranesPerTenant: {
      default: 100_000,
      unit: "count",
      description: "Membranes of one tenant",
      details: "revoked ones excluded; over it a 409",
    },
    maxOwnCapabilitiesPerTenant: {
      default: 3_000,
      unit: "count",
      description: "Own capabilities of one tenant",
      details: "three at first, three more with each `tenant reissue`",
    },
    maxCapabilitiesPerMembrane: {
      default: 1_000_000,
      unit: "count",
      description: "Capabilities that went through one membrane",
      details:
        "those that a delegated `query` gave out included; dead ones count until they are swept; over it a 409",
    },
    maxLineageNodes: {
      default: 256,
      unit: "count",
      description: "Nodes in the lineage of a capability or membrane",
    },
    storedBytesPerMembrane: {
      default: 2_147_483_648,
      unit: "bytes",
      description: "Disk space of everything that went through one membrane or acts on it",
      details: "what is dead counts until it is swept; over it a 409",
    },
    storedBytesPerTenant: {
      default: 4_294_967_296,
      unit: "bytes",
      description: "Disk space of one tenant's membranes and own capabilities together",
      details: "a revoked membrane keeps one kilobyte; over it a 409",
    },
  },
} as const;

export type LimitName =
  | { [G in keyof typeof TABLE]: keyof (typeof TABLE)[G] }[keyof typeof TABLE]
  | keyof typeof CLIENT_LIMITS
  | keyof typeof INVOCATION_LIMITS
  | keyof LeaseTimes;

/** The value of every limit, in its unit. */
export type ServiceLimits = Readonly<Record<LimitName, number>>;

export const LIMITS: Readonly<Record<LimitName, Limit>> = {
  ...CLIENT_LIMITS,
  ...INVOCATION_LIMITS,
  ...TABLE.upstream,
  ...TABLE.management,
  ...TABLE.store,
  ...TABLE.nodes,
  ...LEASE_LIMITS,
  ...TABLE.traces,
  ...TABLE.quotas,
};

export const DEFAULT_LIMITS: ServiceLimits = mapValues(LIMITS, (limit) => limit.default);

export const LIMIT_NAMES: readonly LimitName[] = Object.keys(LIMITS).filter(isLimitName);

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

/** Sets several limits at once. */
export const UPSTREAM_TIMEOUT: LimitFlag = {
  unit: "milliseconds",
  description:
    "Raises upstream-response-timeout-ms and upstream-idle-timeout-ms together, unless they are given",
  details:
    "also `--invocation-timeout-ms`, if it is shorter; for targets that take longer than five minutes to respond",
};

/** The flags for limits with their headings, in the order of the help and of docs/configuration.md. */
export const LIMIT_GROUPS: readonly LimitGroup[] = [
  { title: "Clients and their connections", flags: CLIENT_LIMITS },
  { title: "Invocations", flags: INVOCATION_LIMITS },
  { title: "Connections to targets", flags: { ...TABLE.upstream, upstreamTimeoutMs: UPSTREAM_TIMEOUT } },
  { title: "Requests to the service itself", flags: TABLE.management },
  { title: "The store", flags: TABLE.store },
  { title: "Nodes that share a database", flags: { ...TABLE.nodes, ...LEASE_LIMITS } },
  { title: "Traces", flags: TABLE.traces },
  { title: "What may be created", flags: TABLE.quotas },
];

export interface LimitGroup {
  readonly title: string;
  readonly flags: Readonly<Record<string, LimitFlag>>;
}
