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
      socketTimeoutMs: longestSilenceMs(limits),
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

/**
 * How long no byte may pass to or from a client whose request is in flight. What the service waits for meanwhile must end before, since only
 * then the client gets a response: the wait for a connection may take as long as that for the beginning of the target's response.
 */
function longestSilenceMs({
  upstreamResponseTimeoutMs,
  upstreamIdleTimeoutMs,
  responseRateWindowMs,
}: ServiceConfig["limits"]): number {
  const targetMs = Math.max(2 * upstreamResponseTimeoutMs, upstreamIdleTimeoutMs);
  return Math.min(targetMs + responseRateWindowMs, MAX_TIMER_MS);
}
