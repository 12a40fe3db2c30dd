import type { Span, SpanAttributes } from "./span.ts";
import { methodName } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";
import { formatTraceparent } from "./trace-context.ts";

/** The clocks of a trace, in milliseconds. */
export interface TraceClock {
  /** Cannot be set. */
  readonly monotonic: () => number;
  /** The time of day when the monotonic clock was at zero, as it is set now. */
  readonly epochMs: number;
}

/** The identity of a request's trace. */
export interface TraceIdentity {
  readonly traceId: string;
  readonly flags: number;
  /** What the client sent; absent: the trace begins with this request. */
  readonly parent: TraceContext | undefined;
  /** Whether the client's `tracestate` may be passed on. */
  readonly keepsState: boolean;
}

export interface RequestTraceOptions {
  readonly newSpanId: () => string;
  readonly clock: TraceClock;
  /** When the request arrived, in milliseconds of the monotonic clock. */
  readonly arrivedAt: number;
  /** Called with the spans of the request once it has ended. */
  readonly record: (spans: readonly Span[]) => void;
}

/** How one side of a request ended. */
export interface SpanEnd {
  readonly attributes: SpanAttributes;
  readonly isError: boolean;
}

/** How a request ended. */
export interface RequestEnd extends SpanEnd {
  readonly name: string;
  /** The request to the target. Absent: none was sent. */
  readonly target?: SpanEnd & { readonly durationMs: number };
}

/** What a span is made from. */
interface Part extends Pick<Span, "name" | "spanId" | "kind" | "attributes" | "isError"> {
  /** In milliseconds of the monotonic clock. */
  readonly from: number;
  readonly to: number;
}

/** A request that is recorded: what is known of it until it ends. */
export class RequestTrace {
  readonly traceId: string;
  readonly parent: TraceContext | undefined;
  readonly keepsState: boolean;
  /** The method of the request to the target, once it is known. */
  targetMethod = "";
  readonly #flags: number;
  readonly #spanId: string;
  readonly #targetSpanId: string;
  readonly #options: RequestTraceOptions;
  readonly #inner: Span[] = [];
  #isEnded = false;

  constructor({ traceId, flags, parent, keepsState }: TraceIdentity, options: RequestTraceOptions) {
    this.traceId = traceId;
    this.parent = parent;
    this.keepsState = keepsState;
    this.#flags = flags;
    this.#spanId = options.newSpanId();
    this.#targetSpanId = options.newSpanId();
    this.#options = options;
  }

  /** What the target gets, so that its spans descend from the request to it. */
  get traceparent(): string {
    return formatTraceparent({ traceId: this.traceId, spanId: this.#targetSpanId, flags: this.#flags });
  }

  /** Records what the store took. @param from and `to` in milliseconds of the monotonic clock. */
  addStoreSpan(name: "store read" | "store write", from: number, to: number, isError = false): void {
    const attributes = {};
    const spanId = this.#options.newSpanId();
    this.#inner.push(this.#innerSpan({ name, spanId, kind: "internal", from, to, attributes, isError }));
  }

  /** Records how long a write takes. */
  async measureWrite<T>(write: Promise<T>): Promise<T> {
    const { monotonic } = this.#options.clock;
    const from = monotonic();
    let isError = true;
    try {
      const result = await write;
      isError = false;
      return result;
    } finally {
      this.addStoreSpan("store write", from, monotonic(), isError);
    }
  }

  /** Records the request with all that took part in it. The first call counts: a fault may follow a response. */
  end({ name, attributes, isError, target }: RequestEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { clock, arrivedAt, record } = this.#options;
    const to = clock.monotonic();
    const spans = this.#inner;
    const method = methodName(this.targetMethod);
    if (target !== undefined)
      spans.push(
        this.#innerSpan({
          // The name that the semantic conventions give a request whose method they do not name.
          name: method === "_OTHER" ? "HTTP" : method,
          spanId: this.#targetSpanId,
          kind: "client",
          from: to - target.durationMs,
          to,
          attributes: { "http.request.method": method, ...target.attributes },
          isError: target.isError,
        }),
      );
    spans.push(
      this.#span(
        { name, spanId: this.#spanId, kind: "server", from: arrivedAt, to, attributes, isError },
        { parentSpanId: this.parent?.spanId, hasRemoteParent: this.parent !== undefined },
      ),
    );
    record(spans);
  }

  /** Copies by name: to spread the part would take longer than all the rest. */
  #span(part: Part, parent: Pick<Span, "parentSpanId" | "hasRemoteParent">): Span {
    const { epochMs } = this.#options.clock;
    return {
      traceId: this.traceId,
      spanId: part.spanId,
      parentSpanId: parent.parentSpanId,
      flags: this.#flags,
      hasRemoteParent: parent.hasRemoteParent,
      name: part.name,
      kind: part.kind,
      startMs: epochMs + part.from,
      endMs: epochMs + part.to,
      attributes: part.attributes,
      isError: part.isError,
    };
  }

  /** Makes a span that the request's own is the parent of. */
  #innerSpan(part: Part): Span {
    return this.#span(part, { parentSpanId: this.#spanId, hasRemoteParent: false });
  }
}
