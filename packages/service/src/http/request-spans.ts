import type { ExchangeReport } from "../domain/exchange-report.ts";
import type { HttpExchange } from "../http1/downstream.ts";
import type { ExchangeEnd } from "../invocation/exchange-context.ts";
import { valuesOf } from "../invocation/raw-headers.ts";
import type { RequestHead } from "../invocation/request-head.ts";
import type { Resolution } from "../invocation/resolve.ts";
import { fingerprintsOf } from "../telemetry/fingerprint.ts";
import type { RequestEnd, RequestTrace } from "../tracing/request-trace.ts";
import type { SpanAttributes } from "../tracing/span.ts";
import { methodName } from "../tracing/span.ts";
import type { Tracer } from "../tracing/tracer.ts";
import { clientTraceOf } from "./client-trace.ts";
import { abortReason } from "./request-counts.ts";
import type { WireError } from "./wire-error.ts";

/** When parts of a request began, in milliseconds of the tracer's clock. */
export interface RequestTimes {
  readonly arrivedAt: number;
  /** The store was asked for the capability at this time, and has responded now. Absent: it was in the cache. */
  readonly readAt: number | undefined;
}

/*
 * The name of a request's span is the kind of its capability: the operations of the service have one path, so that a method and a
 * route would name none of them.
 */

/**
 * Begins to record a request, if the tracer chooses it. Call it once the capability is known: a client without one can neither make
 * spans nor use up a share of them.
 */
export function beginTrace(
  tracer: Tracer,
  exchange: HttpExchange,
  { accounts }: Resolution,
  { arrivedAt, readAt }: RequestTimes,
): RequestTrace | undefined {
  const trace = tracer.begin({
    parent: clientTraceOf(exchange),
    tracestate: () => valuesOf(exchange.request.rawHeaders, "tracestate"),
    owners: accounts,
    arrivedAt,
  });
  if (readAt !== undefined) trace?.addStoreSpan("store read", readAt, tracer.monotonic());
  return trace;
}

/** Records an invocation that has ended, if it is recorded and was not denied. */
export function endInvocation(
  { request, trace }: HttpExchange,
  head: RequestHead,
  caller: Resolution,
  end: ExchangeEnd,
): void {
  if (trace === undefined || end.kind === "denied") return;
  const status = end.kind === "client_disconnected" ? undefined : end.status;
  const error = errorOf(end);
  trace.end({
    name: caller.capability.kind,
    attributes: attributesOf(request, head, caller, status, error),
    isError: end.kind === "aborted" || (status ?? 0) >= 500,
    ...targetOf(end.report, error),
  });
}

/** Records a request that got an error in place of its response, if it is recorded. */
export function endRefused(
  { request, trace }: HttpExchange,
  head: RequestHead,
  caller: Resolution | undefined,
  { status, body: { code } }: WireError,
  report?: ExchangeReport,
): void {
  if (trace === undefined || caller === undefined) return;
  trace.end({
    name: caller.capability.kind,
    attributes: attributesOf(request, head, caller, status, code),
    isError: status >= 500,
    ...targetOf(report, code),
  });
}

/** Records an operation of the service itself, if it is recorded. @param status absent: the client left before the response. */
export function endManaged(
  { request, trace }: HttpExchange,
  head: RequestHead,
  caller: Resolution,
  status: number | undefined,
): void {
  if (trace === undefined) return;
  const error = status === undefined ? CLIENT_DISCONNECTED : undefined;
  const attributes = attributesOf(request, head, caller, status, error);
  trace.end({ name: caller.capability.kind, attributes, isError: false });
}

const CLIENT_DISCONNECTED = "client_disconnected";

/** Why an invocation did not end well: a status of the target, or the reason of an abort. */
function errorOf(end: Exclude<ExchangeEnd, { readonly kind: "denied" }>): string | undefined {
  switch (end.kind) {
    case "completed":
      return end.status >= 500 ? String(end.status) : undefined;
    case "aborted":
      return abortReason(end.cause);
    case "client_disconnected":
      return CLIENT_DISCONNECTED;
  }
}

/** Nothing of it is a token, a header, a path, a query, an address or a name that a client or an exporter chooses. */
function attributesOf(
  { socket }: HttpExchange["request"],
  { method, httpVersion }: RequestHead,
  { capability, tenant }: Resolution,
  status: number | undefined,
  error: string | undefined,
): SpanAttributes {
  const of = fingerprintsOf(capability, tenant);
  return {
    "http.request.method": methodName(method),
    "http.response.status_code": status,
    "http.route": capability.kind === "invoke" ? undefined : "/",
    "url.scheme": socket.encrypted === true ? "https" : "http",
    "network.protocol.version": httpVersion,
    "error.type": error,
    "membrane.capability": of.capability,
    "membrane.membrane": of.membrane,
    "membrane.tenant": of.tenant,
  };
}

/** The request to the target, if one was made. For a client a status of 400 is an error already. */
function targetOf(
  report: ExchangeReport | undefined,
  reason: string | undefined,
): Pick<RequestEnd, "target"> {
  if (report === undefined) return {};
  const { upstreamStatus: status } = report;
  const error = reason ?? (status !== undefined && status >= 400 ? String(status) : undefined);
  return {
    target: {
      durationMs: report.elapsedMs(),
      attributes: { "http.response.status_code": status, "error.type": error },
      isError: error !== undefined,
    },
  };
}
