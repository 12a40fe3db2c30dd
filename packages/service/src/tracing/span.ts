/** What took part of a request's time, as it is exported. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** The span that caused it. Absent: it is the first of its trace. */
  readonly parentSpanId?: string | undefined;
  /** The flags of the trace, as in a `traceparent`. */
  readonly flags: number;
  /** The span that caused it is in another process. */
  readonly hasRemoteParent: boolean;
  readonly name: string;
  /** `server`: a client's request; `client`: the request to a target; `internal`: what happens in between. */
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  /** By the names of OpenTelemetry's semantic conventions; those that are absent are left out. */
  readonly attributes: SpanAttributes;
  /** It failed because of what it calls, or of a defect; not because of its caller. */
  readonly isError: boolean;
}

export type SpanKind = "internal" | "server" | "client";

export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** Methods that OpenTelemetry names; of others there is no end. Source: semantic conventions for HTTP spans. */
const METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);

/** A method as the value of an attribute: an exporter can choose one of many, and a client too. */
export function methodName(method: string): string {
  return METHODS.has(method) ? method : "_OTHER";
}
