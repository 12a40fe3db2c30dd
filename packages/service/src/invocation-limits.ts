/** The limits of invocations, and of what they keep in memory. */
export const INVOCATION_LIMITS = {
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
  usedResolutionBytesTotal: {
    default: 268_435_456,
    // The share of one capability, a third, must hold any single resolution.
    minimum: 67_108_864,
    unit: "bytes",
    description:
      "Memory for resolutions of 16 KiB and more that requests in flight use, whether or not they are kept",
    details: "[shared](#what-is-shared)",
  },
} as const;
