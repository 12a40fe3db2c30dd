import { rejectionBytes } from "../http/raw-error.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { HttpListener } from "../http1/listener.ts";
import { listenOnNode } from "../http1/node/listen.ts";
import { MAX_TIMER_MS } from "../limit.ts";
import type { ServiceOptions } from "./options.ts";

/** @param handle carries out one request, after the request before it on the same connection. */
export function startListener(
  options: ServiceOptions,
  newRequestId: () => string,
  handle: (exchange: HttpExchange) => Promise<void>,
): Promise<HttpListener> {
  const { limits, log, trustedProxies = [], listenHttp = listenOnNode } = options;
  return listenHttp(
    {
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: limits.headerBytes,
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      trustedProxies,
      requestHeaderTimeoutMs: limits.requestHeaderTimeoutMs,
      pipeline: {
        perConnection: limits.maxPipelinedRequestsPerConnection,
        bytes: limits.pipelinedBytesTotal,
      },
      rejectionBytes: (rejection) =>
        rejectionBytes(rejection, ({ reason }, status) => {
          const requestId = newRequestId();
          log.refused({ requestId, reason, status });
          return requestId;
        }),
      keepAliveTimeoutMs: limits.keepAliveTimeoutMs,
      socketTimeoutMs: Math.min(
        Math.max(limits.upstreamResponseTimeoutMs, limits.upstreamIdleTimeoutMs) +
          limits.responseRateWindowMs,
        MAX_TIMER_MS,
      ),
      onError: log.fault,
      onOverflow: log.pipelineClosed,
    },
    handle,
  );
}
