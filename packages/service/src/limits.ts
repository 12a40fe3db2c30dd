/** Every limit of the service. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** Heads of requests and of answers. */
  readonly headerBytes: number;
  /** Bodies of requests to the service itself. */
  readonly managementBodyBytes: number;
  /** Objects and lists within each other in such a body. */
  readonly maxJsonDepth: number;
  /** Bodies held in memory because their hash is signed. */
  readonly bufferedBodyBytes: number;
  /** Time for a requester to send a head, and for the TLS handshake before it. */
  readonly requestHeaderTimeoutMs: number;
  /** Bytes of all bodies that are held in memory at once for a signature. */
  readonly bufferedBytesTotal: number;
  /** Bytes of all bodies of requests to the service itself that are held in memory at once. */
  readonly managementBufferedBytesTotal: number;
  /** Requests for pages of `query` that wait for one tenant; beyond it one of the capability that has most is refused. */
  readonly maxWaitingPagesPerTenant: number;
  /** Bytes of all responses that wait in memory at once for their clients. */
  readonly waitingResponseBytesTotal: number;
  /** Time over which a requester that is in the middle of its body must keep the least rate. */
  readonly requestRateWindowMs: number;
  /** The least rate of a requester that sends, in bytes a second. */
  readonly minRequestRate: number;
  /** Time over which a requester whose answer waits for it must keep the least rate. */
  readonly responseRateWindowMs: number;
  /** The least rate of a requester that reads, in bytes a second. */
  readonly minResponseRate: number;
  /** Time for name resolution, connection and TLS handshake with a target together. */
  readonly upstreamConnectTimeoutMs: number;
  /** Time for a target to begin its answer, the wait for a connection included; a target's own `timeoutMs` can only shorten it. */
  readonly upstreamResponseTimeoutMs: number;
  /** Longest silence of a target, before its answer and within it; a target's own `timeoutMs` can only shorten it. */
  readonly upstreamIdleTimeoutMs: number;
  /** Time for an invocation in all. */
  readonly invocationTimeoutMs: number;
  /** Longest idle time of a requester's connection between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** Time for invocations under way to finish when the service stops. */
  readonly shutdownTimeoutMs: number;
  /** Time for a write in all: its turn, its commit and its flush. */
  readonly storeWriteTimeoutMs: number;
  /** Bytes of the store's file that are kept for revokes when the disk is full. */
  readonly storeReserveBytes: number;
  /** Time without an answer from the store after which all invocations under way are cut. */
  readonly maxRevocationStalenessMs: number;
  /** Time after which an unused pool of connections is closed. */
  readonly upstreamPoolIdleMs: number;
  /** Connections of requesters; further ones are closed as they come. */
  readonly maxConnections: number;
  /** Those of them that come from one address, proxies that are trusted aside; IPv6 addresses count by their /64. */
  readonly maxConnectionsPerAddress: number;
  /** Requests that wait on one connection for those before them; it is not read while there are as many. */
  readonly maxPipelinedRequestsPerConnection: number;
  /** Memory of all requests that wait so; a connection beyond its reserve of 16 KiB that would go over it is closed. */
  readonly pipelinedBytesTotal: number;
  /** Requests of one client address in a minute whose token does not work; IPv6 addresses count by their /64. */
  readonly maxAuthFailuresPerMinute: number;
  /** Invocations under way at once of one capability and of all that re-exports it. */
  readonly maxConcurrentInvocationsPerCapability: number;
  /** Invocations under way at once that run through one tenant's membranes. */
  readonly maxConcurrentInvocationsPerTenant: number;
  /** Invocations under way at once in all. */
  readonly maxConcurrentInvocations: number;
  /** Connections of one tenant's targets to one destination; further requests wait. */
  readonly maxUpstreamConnectionsPerDestination: number;
  /** Connections to targets in all. */
  readonly maxUpstreamConnections: number;
  /** Pools of connections to targets, one for each destination of a tenant with its TLS material. */
  readonly maxUpstreamPools: number;
  /** Memory that pools and their TLS contexts may hold together. */
  readonly upstreamPoolBytesTotal: number;
  /** Verdicts kept in memory. */
  readonly cacheEntries: number;
  /** Memory that they may hold together. */
  readonly cacheBytes: number;
  /** Nodes in the lineage of anything that is made. */
  readonly maxLineageNodes: number;
  /** Capabilities that went through one membrane. */
  readonly maxCapabilitiesPerMembrane: number;
  /** Membranes of one tenant. */
  readonly maxMembranesPerTenant: number;
  /** Capabilities of one tenant's own: three at first, three more with each reissue. */
  readonly maxOwnCapabilitiesPerTenant: number;
  /** Bytes of the disk that all takes that went through one membrane or acts on it. */
  readonly storedBytesPerMembrane: number;
  /** Bytes of the disk that all takes that one tenant's membranes and own capabilities are made of. */
  readonly storedBytesPerTenant: number;
  /** Tenants of the service. */
  readonly maxTenants: number;
}

/** The longest that a timer of Node runs, in milliseconds: one that is set for longer fires after one (`setTimeout`). */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 16 * 1024,
  managementBodyBytes: 1024 * 1024,
  maxJsonDepth: 32,
  bufferedBodyBytes: 8 * 1024 * 1024,
  bufferedBytesTotal: 256 * 1024 * 1024,
  managementBufferedBytesTotal: 64 * 1024 * 1024,
  maxWaitingPagesPerTenant: 1_024,
  waitingResponseBytesTotal: 256 * 1024 * 1024,
  requestHeaderTimeoutMs: 30_000,
  requestRateWindowMs: 30_000,
  // The figure of Kestrel, ASP.NET Core's server: MinRequestBodyDataRate and MinResponseDataRate.
  minRequestRate: 240,
  responseRateWindowMs: 60_000,
  minResponseRate: 240,
  upstreamConnectTimeoutMs: 10_000,
  upstreamResponseTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 300_000,
  // A day: whoever listens to events comes again.
  invocationTimeoutMs: 86_400_000,
  keepAliveTimeoutMs: 65_000,
  shutdownTimeoutMs: 10_000,
  storeWriteTimeoutMs: 2_000,
  storeReserveBytes: 4 * 1024 * 1024,
  maxRevocationStalenessMs: 2_000,
  upstreamPoolIdleMs: 60_000,
  maxConnections: 16_384,
  maxConnectionsPerAddress: 2_048,
  maxPipelinedRequestsPerConnection: 128,
  pipelinedBytesTotal: 64 * 1024 * 1024,
  maxAuthFailuresPerMinute: 6_000,
  maxConcurrentInvocationsPerCapability: 512,
  maxConcurrentInvocationsPerTenant: 2_048,
  maxConcurrentInvocations: 8_192,
  maxUpstreamConnectionsPerDestination: 1_024,
  maxUpstreamConnections: 16_384,
  maxUpstreamPools: 8_192,
  upstreamPoolBytesTotal: 256 * 1024 * 1024,
  cacheEntries: 100_000,
  cacheBytes: 64 * 1024 * 1024,
  maxLineageNodes: 256,
  maxCapabilitiesPerMembrane: 1_000_000,
  maxMembranesPerTenant: 100_000,
  storedBytesPerMembrane: 2 * 1024 * 1024 * 1024,
  storedBytesPerTenant: 4 * 1024 * 1024 * 1024,
  maxOwnCapabilitiesPerTenant: 3_000,
  maxTenants: 100_000,
};

/** Limits that may not be as low as 1. */
export const LEAST_LIMITS: Partial<Readonly<Record<keyof Limits, number>>> = {
  // The share of one capability, a third, must hold any single response that waits.
  waitingResponseBytesTotal: 4 * 1024 * 1024,
};
