/** The limits of clients and their connections. */
export const CLIENT_LIMITS = {
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
    // The head of a plain request with a token must fit, or the service could not even say that it is ready.
    minimum: 1_024,
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
      "counted where Node's server reads the connection: at this number, or at 256 KiB of memory, the connection is not read, and a disconnect is noticed only at the next write; the service's own lane, which reads most connections, counts no requests and stops at 64 KiB of bytes",
  },
  pipelinedBytesTotal: {
    default: 67_108_864,
    unit: "bytes",
    description: "Memory for all requests that wait for those before them",
    details:
      "beyond it a connection is closed that holds more than its reserve of 16 KiB (about six plain requests where Node's server reads the connection, and the bytes that were sent otherwise)",
  },
} as const;
