/** Every limit of the service. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** Heads of requests and of responses. */
  readonly headerBytes: number;
  /** Bodies of requests to the service itself. */
  readonly managementBodyBytes: number;
  /** Nesting of objects and arrays in such a body. */
  readonly maxJsonDepth: number;
  /** Bodies held in memory because their hash is signed. */
  readonly bufferedBodyBytes: number;
  /** Time for a client to send a head, and for the TLS handshake before it. */
  readonly requestHeaderTimeoutMs: number;
  /** Bytes of all bodies that are held in memory at once for a signature. */
  readonly bufferedBytesTotal: number;
  /** Bytes of all bodies of requests to the service itself that are held in memory at once. */
  readonly managementBufferedBytesTotal: number;
  /** Requests for pages of `query` that wait for one tenant; beyond it, one of the capability with the most is refused. */
  readonly maxWaitingPagesPerTenant: number;
  /** Bytes of all responses that wait in memory at once for their clients. */
  readonly waitingResponseBytesTotal: number;
  /** Time over which a client that sends a body must keep `minRequestRate`. */
  readonly requestRateWindowMs: number;
  /** The lowest rate of a client that sends a body, in bytes per second. */
  readonly minRequestRate: number;
  /** Time over which a client whose response waits for it must keep `minResponseRate`. */
  readonly responseRateWindowMs: number;
  /** The lowest rate of a client that reads a response, in bytes per second. */
  readonly minResponseRate: number;
  /** Time for name resolution, connection and TLS handshake with a target together. */
  readonly upstreamConnectTimeoutMs: number;
  /** Time for a target to begin its response, including the wait for a connection; the target's `timeoutMs` can only shorten it. */
  readonly upstreamResponseTimeoutMs: number;
  /** Longest silence of a target, before its response and within it; a target's own `timeoutMs` can only shorten it. */
  readonly upstreamIdleTimeoutMs: number;
  /** Time for a whole invocation. */
  readonly invocationTimeoutMs: number;
  /** Longest idle time of a client's connection between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** Time for invocations in flight to finish when the service stops. */
  readonly shutdownTimeoutMs: number;
  /** Time for a whole write: the wait for its turn, its commit and its flush. */
  readonly storeWriteTimeoutMs: number;
  /** Bytes of the store's file that are reserved for revokes when the disk is full. */
  readonly storeReserveBytes: number;
  /** Time without a response from the store after which all invocations in flight are aborted. */
  readonly maxRevocationStalenessMs: number;
  /** Time after which an unused connection pool is closed. */
  readonly upstreamPoolIdleMs: number;
  /** Connections of clients; further ones are closed at once. */
  readonly maxConnections: number;
  /** Connections of clients from one address, trusted proxies excluded; IPv6 addresses count by their /64. */
  readonly maxConnectionsPerAddress: number;
  /** Requests of one connection that wait for those before them; at this number the connection is not read. */
  readonly maxPipelinedRequestsPerConnection: number;
  /** Memory of all pipelined requests; beyond it, a connection that holds more than its reserve of 16 KiB is closed. */
  readonly pipelinedBytesTotal: number;
  /** Requests per minute of one client address whose token does not work; IPv6 addresses count by their /64. */
  readonly maxAuthFailuresPerMinute: number;
  /** Invocations in flight of one capability and of all that re-exports it. */
  readonly maxConcurrentInvocationsPerCapability: number;
  /** Invocations in flight through the membranes of one tenant. */
  readonly maxConcurrentInvocationsPerTenant: number;
  /** Invocations in flight, in all. */
  readonly maxConcurrentInvocations: number;
  /** Connections of one tenant's targets to one destination; further requests wait. */
  readonly maxUpstreamConnectionsPerDestination: number;
  /** Connections to targets in all. */
  readonly maxUpstreamConnections: number;
  /** Connection pools, one for each destination of a tenant with its TLS material. */
  readonly maxUpstreamPools: number;
  /** Memory for all pools and their TLS contexts. */
  readonly upstreamPoolBytesTotal: number;
  /** Resolutions kept in memory. */
  readonly cacheEntries: number;
  /** Memory for these resolutions. */
  readonly cacheBytes: number;
  /** Nodes in the lineage of a capability or membrane. */
  readonly maxLineageNodes: number;
  /** Capabilities that went through one membrane. */
  readonly maxCapabilitiesPerMembrane: number;
  /** Membranes of one tenant. */
  readonly maxMembranesPerTenant: number;
  /** Own capabilities of one tenant: three at first, three more with each reissue. */
  readonly maxOwnCapabilitiesPerTenant: number;
  /** Disk space of everything that went through one membrane or acts on it. */
  readonly storedBytesPerMembrane: number;
  /** Disk space of one tenant's membranes and own capabilities. */
  readonly storedBytesPerTenant: number;
  /** Tenants of the service. */
  readonly maxTenants: number;
}

/** The longest delay of a Node.js timer, in milliseconds: with a longer one, `setTimeout` fires after one millisecond. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

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
  // The default of Kestrel, ASP.NET Core's server: MinRequestBodyDataRate and MinResponseDataRate.
  minRequestRate: 240,
  responseRateWindowMs: 60_000,
  minResponseRate: 240,
  upstreamConnectTimeoutMs: 10_000,
  upstreamResponseTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 300_000,
  // A day: clients of event streams reconnect.
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

/** The minimum of limits whose minimum is not 1. */
export const MIN_LIMITS: Partial<Readonly<Record<keyof Limits, number>>> = {
  // The share of one capability, a third, must hold any single response that waits.
  waitingResponseBytesTotal: 4 * 1024 * 1024,
};
