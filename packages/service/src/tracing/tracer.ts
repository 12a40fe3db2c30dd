import { createRandomIds } from "./random-ids.ts";
import { RequestTrace } from "./request-trace.ts";
import type { Span } from "./span.ts";
import { isTracestate, SAMPLED } from "./trace-context.ts";
import type { TraceContext } from "./trace-context.ts";
import type { TraceOwners, TraceRate } from "./trace-rate.ts";

/** A request that has arrived. */
export interface TracedRequest {
  /** The trace that its client names, if it does. */
  readonly parent: TraceContext | undefined;
  /** The values of its lines `tracestate`, in their order. */
  readonly tracestate: () => readonly string[];
  readonly owners: TraceOwners;
  /** In milliseconds of the monotonic clock. */
  readonly arrivedAt: number;
}

/** Decides which requests are recorded. */
export interface Tracer {
  /** A clock that cannot be set, in milliseconds. */
  readonly monotonic: () => number;
  /** @returns nothing for a request that is not recorded. */
  begin(request: TracedRequest): RequestTrace | undefined;
}

export interface TracerOptions {
  /** The share of the traces that are recorded, from 0 to 1. */
  readonly share: number;
  readonly rate: TraceRate;
  readonly random: (size: number) => Uint8Array;
  /** The time of day. */
  readonly now: () => Date;
  readonly monotonic: () => number;
  /** Called with the spans of each request that was recorded. */
  readonly record: (spans: readonly Span[]) => void;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/**
 * Makes a tracer. A client's trace is recorded only if its sender has recorded it too. Of these, and of the traces that begin here, the
 * share is chosen by the id, so that all nodes and all services on the way choose the same ones; what a client sends can lead to no more
 * than the rate.
 */
export function createTracer(options: TracerOptions): Tracer {
  const { share, rate, now, monotonic, record } = options;
  const newId = createRandomIds(options.random);
  const newSpanId = (): string => newId(SPAN_ID_BYTES);
  return {
    monotonic,
    begin({ parent, tracestate, owners, arrivedAt }) {
      if (parent !== undefined && (parent.flags & SAMPLED) === 0) return undefined;
      const traceId = parent?.traceId ?? newId(TRACE_ID_BYTES);
      if (!isChosen(traceId, share) || !rate.take(owners)) return undefined;
      return new RequestTrace(identityOf(traceId, parent, tracestate), {
        newSpanId,
        clock: { monotonic, epochMs: now().getTime() - monotonic() },
        arrivedAt,
        record,
      });
    },
  };
}

function identityOf(
  traceId: string,
  parent: TraceContext | undefined,
  tracestate: TracedRequest["tracestate"],
): ConstructorParameters<typeof RequestTrace>[0] {
  if (parent === undefined) return { traceId, flags: SAMPLED, parent, keepsState: false };
  return { traceId, flags: parent.flags, parent, keepsState: isTracestate(tracestate()) };
}

/** Digits of the right part of an id, which are random by the specification (W3C Trace Context 2, "Random Trace ID Flag"). */
const RANDOM_DIGITS = 12;

const RANDOM_RANGE = 16 ** RANDOM_DIGITS;

/** Whether a trace is among the share, by its id. */
function isChosen(traceId: string, share: number): boolean {
  return share >= 1 || Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < share * RANDOM_RANGE;
}
