import type { Resource } from "../../tracing/otlp.ts";
import { formatExport, formatSpan } from "../../tracing/otlp.ts";
import type { SpanBatch } from "../../tracing/span-queue.ts";
import { SpanQueue } from "../../tracing/span-queue.ts";
import type { Span } from "../../tracing/span.ts";
import type { SendResult, SendSpans } from "./collector.ts";

/** What became of spans. */
export interface SpanCounts {
  exported: number;
  /** The collector refused them. */
  refused: number;
  /** It could not be reached, or did not respond, several times. */
  unavailable: number;
  /** The service stopped before it took them. */
  stopped: number;
}

/** Sends spans to a collector in the background. */
export interface SpanExporter {
  record(spans: readonly Span[]): void;
  readonly counts: Readonly<SpanCounts>;
  /** Spans that were dropped because too many waited. */
  readonly dropped: number;
  /** Memory of the spans that wait, in bytes. */
  readonly queuedBytes: number;
  /** Sends what waits, if the collector takes it in time, and drops the rest. */
  close(): Promise<void>;
}

export interface SpanExporterOptions {
  readonly resource: Resource;
  readonly send: SendSpans;
  readonly queueBytes: number;
  readonly log: {
    /** Spans could not be exported, for the first time since they could; or the service stops, and this many are lost. */
    spansNotExported(event: { readonly cause: string; readonly lost?: number }): void;
    /** They can be again. @param event.lost how many were not, since then. */
    spansExportedAgain(event: { readonly lost: number }): void;
  };
  /** Default: {@link TIMES}. */
  readonly times?: ExportTimes;
}

/** In milliseconds. */
export interface ExportTimes {
  /** From the first span that waits until a batch is sent. */
  readonly delayMs: number;
  /** After a first failure; doubles with each that follows. */
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** For a stop. */
  readonly closeMs: number;
}

export const TIMES: ExportTimes = {
  delayMs: 1_000,
  minBackOffMs: 1_000,
  maxBackOffMs: 60_000,
  closeMs: 2_000,
};

/** How large a batch is: collectors refuse requests of some megabytes. */
const BATCH_BYTES = 524_288;

const STOPPED = "STOPPED";

/** How often a batch is sent. Spans that are minutes old are of less use than those that would wait for them. */
const MAX_ATTEMPTS = 4;

/** How long a collector that has failed this many times, one after the other, is left alone. */
export function backOffMs(
  failures: number,
  { minBackOffMs, maxBackOffMs }: Pick<ExportTimes, "minBackOffMs" | "maxBackOffMs">,
): number {
  return Math.min(minBackOffMs * 2 ** (failures - 1), maxBackOffMs);
}

/**
 * Sends spans in batches, one at a time. Recording one costs a text in memory, and nothing waits for it. While the collector is not
 * there, what has room waits, and the log says so once.
 */
export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  const { resource, send, log, times = TIMES } = options;
  const queue = new SpanQueue(options.queueBytes);
  const counts: SpanCounts = { exported: 0, refused: 0, unavailable: 0, stopped: 0 };
  const stopping = new AbortController();
  let current: { readonly batch: SpanBatch; attempts: number } | undefined;
  let sending: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let lostBefore = 0;
  let isClosed = false;

  const lost = (): number => queue.dropped + counts.refused + counts.unavailable;

  const release = (): number => {
    if (current === undefined) return 0;
    queue.release(current.batch);
    const { length } = current.batch.spans;
    current = undefined;
    return length;
  };

  const settle = (result: SendResult): void => {
    if (result.kind === "taken") {
      const spans = release();
      const rejected = Math.min(result.rejected, spans);
      counts.exported += spans - rejected;
      counts.refused += rejected;
      if (failures > 0) log.spansExportedAgain({ lost: lost() - lostBefore });
      failures = 0;
      return;
    }
    if (failures === 0) {
      lostBefore = lost();
      log.spansNotExported({ cause: result.cause });
    }
    failures += 1;
    if (result.kind === "refused") counts.refused += release();
    else if (current !== undefined && current.attempts >= MAX_ATTEMPTS) counts.unavailable += release();
  };

  const sendOne = async (): Promise<void> => {
    const batch = current?.batch ?? queue.take(BATCH_BYTES);
    if (batch === undefined) return;
    current ??= { batch, attempts: 0 };
    current.attempts += 1;
    settle(await send(formatExport(resource, batch.spans), stopping.signal));
  };

  const delay = (): number => {
    if (failures > 0) return backOffMs(failures, times);
    return queue.waitingBytes >= BATCH_BYTES ? 0 : times.delayMs;
  };

  const schedule = (): void => {
    if (isClosed || timer !== undefined || sending !== undefined) return;
    if (current === undefined && queue.waitingBytes === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      sending = sendOne().finally(() => {
        sending = undefined;
        schedule();
      });
    }, delay()).unref();
  };

  /** Sends until nothing is left, or a batch is not taken. */
  const drain = async (): Promise<void> => {
    await sending;
    for (;;) {
      await sendOne();
      if (current !== undefined || queue.waitingBytes === 0) return;
    }
  };

  return {
    counts,
    get dropped() {
      return queue.dropped;
    },
    get queuedBytes() {
      return queue.bytes;
    },
    record(spans) {
      if (isClosed) {
        counts.stopped += spans.length;
        return;
      }
      for (const span of spans) queue.put(formatSpan(span));
      schedule();
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const deadline = setTimeout(() => stopping.abort(), times.closeMs);
      await drain();
      clearTimeout(deadline);
      const left = release() + queue.clear();
      counts.stopped += left;
      if (left > 0) log.spansNotExported({ cause: STOPPED, lost: left });
    },
  };
}
