import type { Span, SpanAttributes, SpanKind } from "./span.ts";

/** The process that spans are of. */
export interface Resource {
  readonly name: string;
  readonly version: string;
  /** Another one for each process, and for each of its starts. */
  readonly instance: string;
}

/** `SpanKind` of opentelemetry/proto/trace/v1/trace.proto. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };

/** `STATUS_CODE_ERROR`. */
const ERROR = { code: 2 };

/** `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK` and `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`: bits above those of the trace. */
const KNOWS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/**
 * Writes a span as JSON (OTLP 1.x, "JSON Protobuf Encoding"): names in lowerCamelCase, ids in hexadecimal digits, enumerations and
 * 32-bit numbers as numbers, 64-bit numbers as strings.
 */
export function formatSpan(span: Span): string {
  return JSON.stringify({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    flags: span.flags | KNOWS_REMOTE | (span.hasRemoteParent ? IS_REMOTE : 0),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: formatAttributes(span.attributes),
    status: span.isError ? ERROR : undefined,
  });
}

/** Writes an `ExportTraceServiceRequest` of spans that {@link formatSpan} has written. */
export function formatExport(resource: Resource, spans: readonly string[]): string {
  const attributes = formatAttributes({
    "service.name": resource.name,
    "service.version": resource.version,
    "service.instance.id": resource.instance,
  });
  const before = JSON.stringify({ resource: { attributes } }).slice(0, -1);
  const scope = JSON.stringify({ name: "membrane-service", version: resource.version });
  return `{"resourceSpans":[${before},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(",")}]}]}]}`;
}

function formatAttributes(attributes: SpanAttributes): readonly object[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return { key, value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) } };
  });
}

/** A number of nanoseconds has more digits than a number of JavaScript: the last three are left out. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`;
}
