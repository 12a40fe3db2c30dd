/** Every limit of the service. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** Heads of requests and of answers. */
  readonly headerBytes: number;
  /** Bodies of requests to the service itself. */
  readonly managementBodyBytes: number;
  /** Objects and lists within each other in such a body. */
  readonly jsonDepth: number;
  /** Bodies held in memory because their hash is signed. */
  readonly heldBodyBytes: number;
  /** Time for a requester to send a head, and for the TLS handshake before it. */
  readonly headTimeoutMs: number;
  /** Bytes of all bodies that are held in memory at once for a signature. */
  readonly heldBytes: number;
  /** Bytes of all bodies of requests to the service itself that are held in memory at once. */
  readonly managementHeldBytes: number;
  /** Requests for pages of `query` that wait for one tenant; beyond it one of the capability that has most is refused. */
  readonly waitingPagesPerTenant: number;
  /** Bytes of all responses that wait in memory at once for their clients. */
  readonly waitingResponseBytes: number;
  /** Time over which a requester that is in the middle of its body must keep the least rate. */
  readonly bodyIdleMs: number;
  /** The least rate of a requester that sends, in bytes a second. */
  readonly senderBytesPerSecond: number;
  /** Time over which a requester whose answer waits for it must keep the least rate. */
  readonly readerIdleMs: number;
  /** The least rate of a requester that reads, in bytes a second. */
  readonly readerBytesPerSecond: number;
  /** Time for name resolution, connection and TLS handshake with a target together. */
  readonly connectTimeoutMs: number;
  /** Time for a target to begin its answer, the wait for a connection included; a target's own `timeoutMs` can only shorten it. */
  readonly answerTimeoutMs: number;
  /** Longest silence of a target, before its answer and within it; a target's own `timeoutMs` can only shorten it. */
  readonly idleTimeoutMs: number;
  /** Time for an invocation in all. */
  readonly totalTimeoutMs: number;
  /** Longest idle time of a requester's connection between two requests. */
  readonly keepAliveMs: number;
  /** Time for invocations under way to finish when the service stops. */
  readonly shutdownMs: number;
  /** Time for a write in all: its turn, its commit and its flush. */
  readonly writerDeadlineMs: number;
  /** Bytes of the store's file that are kept for revokes when the disk is full. */
  readonly storeReserveBytes: number;
  /** Time without an answer from the store after which all invocations under way are cut. */
  readonly blindMs: number;
  /** Time after which an unused pool of connections is closed. */
  readonly idlePoolMs: number;
  /** Connections of requesters; further ones are closed as they come. */
  readonly connections: number;
  /** Those of them that come from one address, proxies that are trusted aside; IPv6 addresses count by their /64. */
  readonly connectionsPerAddress: number;
  /** Requests that wait on one connection for those before them; it is not read while there are as many. */
  readonly pipelinedRequestsPerConnection: number;
  /** Memory of all requests that wait so; a connection beyond its reserve of 16 KiB that would go over it is closed. */
  readonly pipelinedBytes: number;
  /** Requests of one client address in a minute whose token does not work; IPv6 addresses count by their /64. */
  readonly failedAuthorizationsPerMinute: number;
  /** Invocations under way at once of one capability and of all that re-exports it. */
  readonly invocationsPerCapability: number;
  /** Invocations under way at once that run through one tenant's membranes. */
  readonly invocationsPerTenant: number;
  /** Invocations under way at once in all. */
  readonly invocations: number;
  /** Connections of one tenant's targets to one destination; further requests wait. */
  readonly connectionsPerDestination: number;
  /** Connections to targets in all. */
  readonly targetConnections: number;
  /** Pools of connections to targets, one for each destination of a tenant with its TLS material. */
  readonly pools: number;
  /** Memory that pools and their TLS contexts may hold together. */
  readonly poolBytes: number;
  /** Verdicts kept in memory. */
  readonly cachedVerdicts: number;
  /** Memory that they may hold together. */
  readonly cachedBytes: number;
  /** Nodes in the lineage of anything that is made. */
  readonly lineageNodes: number;
  /** Capabilities that went through one membrane. */
  readonly capabilitiesPerMembrane: number;
  /** Membranes of one tenant. */
  readonly membranesPerTenant: number;
  /** Capabilities of one tenant's own: three at first, three more with each reissue. */
  readonly ownCapabilitiesPerTenant: number;
  /** Bytes of the disk that all takes that went through one membrane or acts on it. */
  readonly storedBytesPerMembrane: number;
  /** Bytes of the disk that all takes that one tenant's membranes and own capabilities are made of. */
  readonly storedBytesPerTenant: number;
  /** Tenants of the service. */
  readonly tenants: number;
}

/** The longest that a timer of Node runs, in milliseconds: one that is set for longer fires after one (`setTimeout`). */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 16 * 1024,
  managementBodyBytes: 1024 * 1024,
  jsonDepth: 32,
  heldBodyBytes: 8 * 1024 * 1024,
  heldBytes: 256 * 1024 * 1024,
  managementHeldBytes: 64 * 1024 * 1024,
  waitingPagesPerTenant: 1_024,
  waitingResponseBytes: 256 * 1024 * 1024,
  headTimeoutMs: 30_000,
  bodyIdleMs: 30_000,
  // The figure of Kestrel, ASP.NET Core's server: MinRequestBodyDataRate and MinResponseDataRate.
  senderBytesPerSecond: 240,
  readerIdleMs: 60_000,
  readerBytesPerSecond: 240,
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 300_000,
  idleTimeoutMs: 300_000,
  // A day: whoever listens to events comes again.
  totalTimeoutMs: 86_400_000,
  keepAliveMs: 65_000,
  shutdownMs: 10_000,
  writerDeadlineMs: 2_000,
  storeReserveBytes: 4 * 1024 * 1024,
  blindMs: 2_000,
  idlePoolMs: 60_000,
  connections: 16_384,
  connectionsPerAddress: 2_048,
  pipelinedRequestsPerConnection: 128,
  pipelinedBytes: 64 * 1024 * 1024,
  failedAuthorizationsPerMinute: 6_000,
  invocationsPerCapability: 512,
  invocationsPerTenant: 2_048,
  invocations: 8_192,
  connectionsPerDestination: 1_024,
  targetConnections: 16_384,
  pools: 8_192,
  poolBytes: 256 * 1024 * 1024,
  cachedVerdicts: 100_000,
  cachedBytes: 64 * 1024 * 1024,
  lineageNodes: 256,
  capabilitiesPerMembrane: 1_000_000,
  membranesPerTenant: 100_000,
  storedBytesPerMembrane: 2 * 1024 * 1024 * 1024,
  storedBytesPerTenant: 4 * 1024 * 1024 * 1024,
  ownCapabilitiesPerTenant: 3_000,
  tenants: 100_000,
};

/** Limits that may not be as low as 1. */
export const LEAST_LIMITS: Partial<Readonly<Record<keyof Limits, number>>> = {
  // The share of one capability, a third, must hold any single response that waits.
  waitingResponseBytes: 4 * 1024 * 1024,
};
