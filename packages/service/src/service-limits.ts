import { mapValues } from "./collections/map-values.ts";
import { LEASE_LIMITS } from "./lease-limits.ts";
import type { Limit, LimitFlag } from "./service-limit.ts";
import type { LeaseTimes } from "./store/lease/lease-times.ts";

/**
 * Every limit of the service but the times of a lease (`lease-limits.ts`), by what it is about. Types, flags, variables, help, messages and the tables in
 * docs/configuration.md are made from it.
 */
const TABLE = {
  clients: {
    maxConnections: {
      default: 16_384,
      unit: "count",
      description: "Connections of clients",
      details: "further ones are closed at once",
    },
    maxConnectionsPerAddress: {
      default: 2_048,
      unit: "count",
      description: "Connections of clients from one address (IPv6: from its /64)",
      details: "counted before TLS; proxies named in `--trust-proxy` have no such limit",
    },
    keepAliveTimeoutMs: {
      default: 65_000,
      unit: "milliseconds",
      description: "Longest idle time of a client's connection between two requests",
    },
    maxAuthFailuresPerMinute: {
      default: 6_000,
      unit: "count",
      description: "Requests per minute of one address (IPv6: of its /64) whose token does not work",
      details: "beyond it only capabilities in use are served to the address",
    },
    maxAuditedRefusalsPerMinute: {
      default: 60,
      unit: "count",
      description: "Refusals in the audit trail per minute",
      details: "further ones are counted in one line; with `--audit`",
    },
    headerBytes: {
      default: 16_384,
      unit: "bytes",
      description: "Head of a request, of what is sent to a target, and of a target's response",
      details: "an export that would not fit is refused",
    },
    requestHeaderTimeoutMs: {
      default: 30_000,
      unit: "milliseconds",
      description: "Time for a client to send a head, and for the TLS handshake before it",
    },
    requestRateWindowMs: {
      default: 30_000,
      unit: "milliseconds",
      description: "Window over which the rate of a request's body is measured",
      details: "only time in which the service waits for the body counts",
    },
    // The default of Kestrel, ASP.NET Core's server: MinRequestBodyDataRate and MinResponseDataRate.
    minRequestRate: {
      default: 240,
      unit: "bytes per second",
      description: "Lowest rate at which a client sends a body",
      details: "a body that is slower over a whole window is a 408",
    },
    responseRateWindowMs: {
      default: 60_000,
      unit: "milliseconds",
      description: "Window over which the rate of a client that reads a response is measured",
      details: "only time in which the response waits for the client counts",
    },
    minResponseRate: {
      default: 240,
      unit: "bytes per second",
      description: "Lowest rate at which a client reads a response",
      details:
        "a response that is read more slowly over a whole window is aborted, and so is a WebSocket by either side; what the kernel takes counts as read",
    },
    maxPipelinedRequestsPerConnection: {
      default: 128,
      unit: "count",
      description: "Requests of one connection that wait for those before them",
      details:
        "at this number, or at 256 KiB, the connection is not read, and a disconnect is noticed only at the next write",
    },
    pipelinedBytesTotal: {
      default: 67_108_864,
      unit: "bytes",
      description: "Memory for all requests that wait for those before them",
      details:
        "beyond it a connection is closed that holds more than its reserve of 16 KiB (about six plain requests)",
    },
  },
  invocations: {
    maxConcurrentInvocations: {
      default: 8_192,
      unit: "count",
      description: "Invocations in flight, in all",
    },
    maxConcurrentInvocationsPerTenant: {
      default: 2_048,
      unit: "count",
      description: "Invocations in flight through the membranes of one tenant",
      details: "those of its delegates included",
    },
    maxConcurrentInvocationsPerCapability: {
      default: 512,
      unit: "count",
      description: "Invocations in flight of one capability and its re-exports together",
    },
    // A day: clients of event streams reconnect.
    invocationTimeoutMs: {
      default: 86_400_000,
      unit: "milliseconds",
      description: "Time for a whole invocation, event streams and WebSockets included",
    },
    websocketIdleTimeoutMs: {
      default: 300_000,
      unit: "milliseconds",
      description: "Time without a byte in either direction after which a WebSocket is closed",
      details: "a ping is bytes",
    },
    shutdownTimeoutMs: {
      default: 10_000,
      unit: "milliseconds",
      description: "Time for invocations in flight to finish when the service stops",
    },
    maxRevocationStalenessMs: {
      default: 2_000,
      unit: "milliseconds",
      description: "Time without a response from the store after which all invocations in flight are aborted",
    },
    bufferedBodyBytes: {
      default: 8_388_608,
      unit: "bytes",
      description: "Body held in memory because its hash is signed",
      details: "over it a 413",
    },
    bufferedBytesTotal: {
      default: 268_435_456,
      unit: "bytes",
      description: "Memory for all bodies held for a signature",
      details: "[shared](#what-is-shared)",
    },
    waitingResponseBytesTotal: {
      default: 268_435_456,
      // The share of one capability, a third, must hold any single response that waits.
      minimum: 4_194_304,
      unit: "bytes",
      description: "Memory for all responses that wait for their clients",
      details: "[shared](#what-is-shared)",
    },
    cacheEntries: {
      default: 100_000,
      unit: "count",
      description: "Resolutions kept in memory",
    },
    cacheBytes: {
      default: 67_108_864,
      unit: "bytes",
      description: "Memory for these resolutions",
      details: "about 3.3 KB each; the process takes half as much again",
    },
  },
  upstream: {
    upstreamConnectTimeoutMs: {
      default: 10_000,
      unit: "milliseconds",
      description: "Time for name lookup, connection and TLS handshake with a target, together",
    },
    upstreamResponseTimeoutMs: {
      default: 300_000,
      unit: "milliseconds",
      description: "Time for a target to begin its response, the wait for a connection included",
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
  | keyof LeaseTimes;

/** The value of every limit, in its unit. */
export type ServiceLimits = Readonly<Record<LimitName, number>>;

export const LIMITS: Readonly<Record<LimitName, Limit>> = {
  ...TABLE.clients,
  ...TABLE.invocations,
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
  { title: "Clients and their connections", flags: TABLE.clients },
  { title: "Invocations", flags: TABLE.invocations },
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
