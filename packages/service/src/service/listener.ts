import { rejectionBytes } from "../http/raw-error.ts";
import type { ResponderContext } from "../http/respond-and-log.ts";
import { isHandshake } from "../http/upgrade.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { HttpListener, ListenHttp } from "../http1/listener.ts";
import { listenNative } from "../http1/native/listen.ts";
import { listenOnNode } from "../http1/node/listen.ts";
import { MAX_TIMER_MS } from "../service-limit.ts";
import type { HttpServer, ServiceConfig, ServiceOptions } from "./options.ts";

const LISTENERS: Readonly<Record<HttpServer, ListenHttp>> = { native: listenNative, node: listenOnNode };

/** @param handle carries out one request, after the request before it on the same connection. */
export function startListener(
  {
    listen,
    trustedProxies,
    limits,
    httpServer,
    keepsHeads,
  }: Pick<ServiceConfig, "listen" | "trustedProxies" | "limits" | "httpServer" | "keepsHeads">,
  { tls, log, listenHttp = LISTENERS[httpServer] }: Pick<ServiceOptions, "tls" | "log" | "listenHttp">,
  { newRequestId, counts }: Pick<ResponderContext, "newRequestId" | "counts">,
  handle: (exchange: HttpExchange) => Promise<void>,
): Promise<HttpListener> {
  return listenHttp(
    {
      ...listen,
      ...(tls === undefined ? {} : { tls }),
      maxHeaderBytes: limits.headerBytes,
      keepsHeads,
      maxConnections: limits.maxConnections,
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      trustedProxies,
      requestHeaderTimeoutMs: limits.requestHeaderTimeoutMs,
      pipeline: {
        perConnection: limits.maxPipelinedRequestsPerConnection,
        bytes: limits.pipelinedBytesTotal,
      },
      rejectionBytes: (rejection) =>
        rejectionBytes(rejection, (denial, status) => {
          const { reason } = denial;
          const requestId = newRequestId();
          counts.refuse(denial);
          log.refused({ requestId, reason, status });
          return requestId;
        }),
      isHandshake,
      keepAliveTimeoutMs: limits.keepAliveTimeoutMs,
      socketTimeoutMs: Math.min(
        Math.max(limits.upstreamResponseTimeoutMs, limits.upstreamIdleTimeoutMs) +
          limits.responseRateWindowMs,
        MAX_TIMER_MS,
      ),
      onError: log.fault,
      onOverflow() {
        counts.limits.add("pipelinedBytesTotal");
        log.pipelineClosed();
      },
      onConnectionRefused: (limit) => counts.limits.add(limit),
    },
    handle,
  );
}
