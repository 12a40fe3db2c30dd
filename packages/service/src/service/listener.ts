import { createConnectionQueue } from "../http/connection-queue.ts";
import type { HttpExchange } from "../http/respond.ts";
import type { Listener } from "../http/server.ts";
import { listen } from "../http/server.ts";
import { wireError } from "../http/wire-error.ts";
import { LONGEST_TIMER_MS } from "../limits.ts";
import type { ServiceOptions } from "./options.ts";

/** The listening server, with the queue of each connection. */
export interface ServiceListener extends Listener {
  /** Resolves when no request is in flight. */
  idle(): Promise<void>;
}

/** @param handle carries out one request, after the request before it on the same connection. */
export async function startListener(
  options: ServiceOptions,
  newRequestId: () => string,
  handle: (exchange: HttpExchange) => Promise<void>,
): Promise<ServiceListener> {
  const { limits, log, trustedProxies = [] } = options;
  const enqueue = createConnectionQueue(
    { perConnection: limits.maxPipelinedRequestsPerConnection, bytes: limits.pipelinedBytesTotal },
    {
      onError(error, socket) {
        log.fault(error);
        socket.destroy();
      },
      onOverflow: log.pipelineClosed,
    },
  );
  const listener = await listen(
    {
      ...options.listen,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      maxHeaderBytes: limits.headerBytes,
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      trustedProxies,
      requestHeaderTimeoutMs: limits.requestHeaderTimeoutMs,
      onConnection: enqueue.accept,
      isPaused: enqueue.isPaused,
      keepAliveTimeoutMs: limits.keepAliveTimeoutMs,
      socketTimeoutMs: Math.min(
        Math.max(limits.upstreamResponseTimeoutMs, limits.upstreamIdleTimeoutMs) +
          limits.responseRateWindowMs,
        LONGEST_TIMER_MS,
      ),
      onError: log.fault,
      onRefused(denial) {
        const requestId = newRequestId();
        log.refused({ requestId, reason: denial.reason, status: wireError(denial).status });
        return requestId;
      },
    },
    (request, response) => {
      const exchange = { request, response };
      void enqueue(exchange, () => handle(exchange));
    },
  );
  return { ...listener, idle: enqueue.idle };
}
