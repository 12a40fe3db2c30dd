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

/** A request may be sent once more, and may wait each time for a connection, and for the beginning of the response. */
const RESPONSE_WAITS = 4;

/** A client that stops right after it has sent or read enough is too slow at the end of the next window. */
const RATE_WINDOWS = 2;

/**
 * How long no byte may pass to or from a client whose request is in flight. What the service waits for meanwhile must end before, since only
 * then the client gets a response.
 */
function longestSilenceMs(limits: ServiceConfig["limits"]): number {
  const waitMs = Math.max(
    RESPONSE_WAITS * limits.upstreamResponseTimeoutMs,
    limits.upstreamIdleTimeoutMs,
    RATE_WINDOWS * limits.requestRateWindowMs,
  );
  return Math.min(waitMs + RATE_WINDOWS * limits.responseRateWindowMs, MAX_TIMER_MS);
}
