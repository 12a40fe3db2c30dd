import type { HttpExchange } from "../http1/downstream.ts";
import { valuesOf } from "../invocation/raw-headers.ts";
import type { TraceContext } from "../tracing/trace-context.ts";
import { parseTraceparent } from "../tracing/trace-context.ts";

/** The trace that the client names, parsed once for all who ask: the tracer, the log and the audit trail. */
export function clientTraceOf(exchange: HttpExchange): TraceContext | undefined {
  exchange.clientTrace ??= {
    context: parseTraceparent(valuesOf(exchange.request.rawHeaders, "traceparent")),
  };
  return exchange.clientTrace.context;
}
