import type { RefusalAudit } from "../audit/request-audit.ts";
import { isAuthorizationRefusal } from "../domain/authorization-refusal.ts";
import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { Denial } from "../domain/denial.ts";
import { isTargetFailure } from "../domain/denial.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { ExchangeEnd } from "../invocation/exchange-context.ts";
import { valuesOf } from "../invocation/raw-headers.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Resolution } from "../invocation/resolve.ts";
import { denialForStoreError } from "../invocation/store-error.ts";
import type { Cidr } from "../net/address.ts";
import type { EventLog, RequestIds } from "../telemetry/events.ts";
import type { Fingerprints } from "../telemetry/fingerprint.ts";
import { fingerprintsOf } from "../telemetry/fingerprint.ts";
import { auditedExchange, withCaller } from "./audited-request.ts";
import { isTrustedProxy } from "./client-address.ts";
import { clientTraceOf } from "./client-trace.ts";
import { inPlaceOfTarget } from "./proxy-status.ts";
import type { RequestCounts } from "./request-counts.ts";
import { parseRequestId } from "./request-id.ts";
import { endInvocation, endRefused } from "./request-spans.ts";
import { respondError } from "./respond.ts";
import { respondOrAbort } from "./respond-or-abort.ts";
import { internalError, wireError } from "./wire-error.ts";

/** What every request ends with: a response, and an event. */
export interface ResponderContext {
  readonly log: EventLog;
  readonly counts: RequestCounts;
  readonly newRequestId: () => string;
  /** Proxies whose `X-Forwarded-For` and `X-Request-Id` are trusted. */
  readonly trustedProxies: readonly Cidr[];
  /** Absent without an audit trail. */
  readonly refusalAudit?: RefusalAudit | undefined;
}

/** Logs how an invocation ended, and responds where it was denied. */
export function finish(
  context: ResponderContext,
  exchange: HttpExchange,
  head: RequestHead,
  resolution: Resolution,
  end: ExchangeEnd,
): void {
  if (end.kind === "denied" && !isTargetFailure(end.denial))
    return respondDenial(context, exchange, head, end.denial, resolution, end.report);
  context.counts.end(end);
  endInvocation(exchange, head, resolution, end);
  if (end.kind === "completed") {
    if (!exchange.request.complete) exchange.response.closeWithUnreadBody();
    // Most invocations return here: no id and no duration are computed for one that is not logged.
    if (end.status < 500 && !context.log.logsEveryInvocation) return;
  }
  const event = {
    ...requestIds(context, exchange),
    of: fingerprintsOfCaller(resolution),
    exchange: end.report,
  };
  switch (end.kind) {
    case "completed":
      return context.log.invoked({ status: end.status, ...event });
    case "denied": {
      const error = wireError(end.denial, head);
      const { reason } = end.denial;
      endRefused(exchange, head, resolution, error, end.report);
      auditRefusal(context, exchange, head, end.denial, resolution);
      context.log.failed({ status: error.status, reason, ...event, ...causeOf(end.cause) });
      return respondOrAbort(exchange, head, error, resolution);
    }
    case "aborted":
      return context.log.aborted({ status: end.status, ...event, ...causeOf(end.cause) });
    case "client_disconnected":
      return context.log.clientDisconnected(event);
  }
}

/** Returns the id of a request: a trusted proxy's, or one that is made on first use. */
export function ensureRequestId(
  { trustedProxies, newRequestId }: ResponderContext,
  exchange: HttpExchange,
): string {
  const { request, requestId } = exchange;
  if (requestId !== undefined) return requestId;
  const sent = isTrustedProxy(request.socket.remoteAddress ?? "", trustedProxies)
    ? parseRequestId(valuesOf(request.rawHeaders, "x-request-id"))
    : undefined;
  exchange.requestId = sent ?? newRequestId();
  return exchange.requestId;
}

/**
 * What identifies a request in the log, and wherever else it is recorded. The trace is the one that the client names, if it does, or
 * else the one that begins with the request, if it is recorded.
 */
export function requestIds(context: ResponderContext, exchange: HttpExchange): RequestIds {
  const requestId = ensureRequestId(context, exchange);
  const { trace = clientTraceOf(exchange) } = exchange;
  return { requestId, traceId: trace?.traceId };
}

export function fingerprintsOfCaller({ capability, tenant }: Resolution): Fingerprints {
  return fingerprintsOf(capability, tenant);
}

function causeOf(cause: Error | undefined): { readonly cause?: string } {
  if (cause === undefined) return {};
  return { cause: "code" in cause && typeof cause.code === "string" ? cause.code : cause.name };
}

export function respondDenial(
  context: ResponderContext,
  exchange: HttpExchange,
  head: RequestHead,
  denial: Denial,
  caller?: Resolution,
  report?: ExchangeReport,
): void {
  const ids = requestIds(context, exchange);
  const error = wireError(denial, head);
  const of = caller === undefined ? undefined : fingerprintsOfCaller(caller);
  context.counts.refuse(denial, caller?.capability.kind);
  endRefused(exchange, head, caller, error, report);
  context.log.refused({ status: error.status, reason: denial.reason, of, exchange: report, ...ids });
  auditRefusal(context, exchange, head, denial, caller);
  respondOrAbort(exchange, head, error, caller);
}

/** Records a refusal of authorization, whatever it answers. */
function auditRefusal(
  context: ResponderContext,
  exchange: HttpExchange,
  head: RequestHead,
  denial: Denial,
  caller: Resolution | undefined,
): void {
  const { refusalAudit, trustedProxies } = context;
  if (refusalAudit === undefined || !isAuthorizationRefusal(denial)) return;
  refusalAudit.refused(() => {
    const request = auditedExchange(ensureRequestId(context, exchange), exchange, head, trustedProxies);
    return {
      request: caller === undefined ? request : withCaller(request, caller),
      status: wireError(denial, head).status,
      reason: denial.reason,
    };
  });
}

export function respondFault(
  context: ResponderContext,
  exchange: HttpExchange,
  head: RequestHead,
  error: unknown,
  caller: Resolution | undefined,
): void {
  const denial = denialForStoreError(error);
  if (denial !== undefined) return respondDenial(context, exchange, head, denial, caller);
  context.counts.fault(caller?.capability.kind);
  endRefused(exchange, head, caller, internalError());
  context.log.fault(error, requestIds(context, exchange));
  respondOrAbort(exchange, head, internalError(), caller);
}

export function respondMalformed(context: ResponderContext, exchange: HttpExchange, message: string): void {
  const denial: Denial = { reason: "malformed_request", message };
  const error = inPlaceOfTarget(wireError(denial));
  context.counts.refuse(denial);
  const ids = requestIds(context, exchange);
  context.log.refused({ status: error.status, reason: "malformed_request", ...ids });
  exchange.response.closeAfter();
  respondError(exchange, { kind: "chunked" }, error);
}
