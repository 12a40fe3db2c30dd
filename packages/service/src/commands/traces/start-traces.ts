import { randomBytes, randomUUID } from "node:crypto";
import type { ServeConfig } from "../../config.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";
import { series } from "../../telemetry/metrics/reading.ts";
import { createTraceRate } from "../../tracing/trace-rate.ts";
import type { Tracer } from "../../tracing/tracer.ts";
import { createTracer } from "../../tracing/tracer.ts";
import type { TraceConfig } from "../../trace-config.ts";
import { createCollector } from "./collector.ts";
import type { ExportTimes, SpanExporterOptions } from "./span-exporter.ts";
import { createSpanExporter } from "./span-exporter.ts";
import { readTraceFiles } from "./trace-files.ts";

/** The traces of one process. */
export interface Traces {
  readonly tracer: Tracer;
  readMetrics(): Reading;
  /** Sends what waits, for two seconds at most. Call it when no request is in flight. */
  close(): Promise<void>;
}

export interface TracesContext {
  readonly log: SpanExporterOptions["log"];
  /** Of the service. */
  readonly version: string;
  /** Default: those of the exporter. */
  readonly times?: ExportTimes;
}

const SERVICE_NAME = "membrane";

/**
 * Starts to record requests and to send them to the collector that the operator named.
 *
 * @throws ConfigError if a file cannot be used.
 */
export async function startTraces(
  { endpoint, share, ...files }: TraceConfig,
  { limits }: Pick<ServeConfig, "limits">,
  { log, version, times }: TracesContext,
): Promise<Traces> {
  const { headers, ca } = await readTraceFiles({ endpoint, share, ...files });
  const exporter = createSpanExporter({
    resource: { name: SERVICE_NAME, version, instance: randomUUID() },
    send: createCollector({ url: endpoint, headers, ca, timeoutMs: limits.spanExportTimeoutMs, version }),
    queueBytes: limits.spanQueueBytes,
    log,
    ...(times === undefined ? {} : { times }),
  });
  const monotonic = (): number => performance.now();
  const rate = createTraceRate(limits.maxTracedRequestsPerSecond, monotonic);
  const tracer = createTracer({
    share,
    rate,
    random: randomBytes,
    now: () => new Date(),
    monotonic,
    record: exporter.record,
  });
  return {
    tracer,
    readMetrics: () => [
      series("membrane_spans_total", exporter.counts.exported, "exported"),
      series("membrane_spans_total", exporter.dropped, "queue_full"),
      series("membrane_spans_total", exporter.counts.refused, "refused"),
      series("membrane_spans_total", exporter.counts.unavailable, "unavailable"),
      series("membrane_span_queue_bytes", exporter.queuedBytes),
      series("membrane_unrecorded_requests_total", rate.refused),
    ],
    close: exporter.close,
  };
}
