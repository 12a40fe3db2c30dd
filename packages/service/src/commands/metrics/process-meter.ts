import { X509Certificate } from "node:crypto";
import { cpuUsage, memoryUsage, version as nodeVersion } from "node:process";
import { performance } from "node:perf_hooks";
import { Histogram } from "../../collections/histogram.ts";
import type { StoreHealth } from "../../service/store-health.ts";
import { watchStoreHealth } from "../../service/store-health.ts";
import type { StoreDurations } from "../../store/metered-engine.ts";
import type { StoreCondition } from "../../store/store.ts";
import { SHORT_BOUNDS } from "../../telemetry/metrics/definitions.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";
import { histogramSeries, series } from "../../telemetry/metrics/reading.ts";
import type { StoreLog } from "../store-place.ts";
import { startEventLoopMeter } from "./event-loop.ts";

/** The audit trail of a process. */
export interface AuditReading {
  /** How long it has not been written, in milliseconds; 0 if it can be. */
  readonly lagMs: () => number;
  readonly lostLines: () => number;
}

/** Measures what a process of the service does besides serving. */
export interface ProcessMeter {
  /** Of the store that this process opens. */
  readonly storeHealth: StoreHealth<StoreLog>;
  readonly storeDurations: StoreDurations;
  /** The certificate that clients get, PEM. */
  setCertificate(pem: string): void;
  /** What the audit trail says of itself. Until it is set, there is no trail. */
  setAudit(audit: AuditReading): void;
  /** What every process has. */
  readProcess(): Reading;
  /** What a process that serves has, besides what the service counts. */
  readServing(): Reading;
  stop(): void;
}

export interface ProcessMeterOptions {
  readonly log: StoreLog;
  readonly lostLogLines: () => number;
  /** Of the service. */
  readonly version: string;
  /** Whether a timer measures the event loop: not if metrics are never read. */
  readonly measuresEventLoop: boolean;
}

const STATES: readonly StoreCondition["state"][] = ["writable", "full", "failed"];

const MS_PER_SECOND = 1_000;
const MICROSECONDS_PER_SECOND = 1_000_000;

export function startProcessMeter({
  log,
  lostLogLines,
  version,
  measuresEventLoop,
}: ProcessMeterOptions): ProcessMeter {
  const storeHealth = watchStoreHealth(log);
  const storeDurations = {
    read: new Histogram(SHORT_BOUNDS),
    revoke: new Histogram(SHORT_BOUNDS),
    use: new Histogram(SHORT_BOUNDS),
    create: new Histogram(SHORT_BOUNDS),
    sweep: new Histogram(SHORT_BOUNDS),
  };
  const eventLoop = measuresEventLoop ? startEventLoopMeter() : undefined;
  let expiresMs: number | undefined;
  let audit: AuditReading | undefined;
  return {
    storeHealth,
    storeDurations,
    setCertificate(pem) {
      expiresMs = Date.parse(new X509Certificate(pem).validTo);
    },
    setAudit(reading) {
      audit = reading;
    },
    readProcess: () => [
      ...(eventLoop?.read() ?? []),
      ...readUsage(),
      series("membrane_log_lines_lost_total", lostLogLines()),
      series("membrane_build_info", 1, version, nodeVersion),
      series("membrane_process_start_time_seconds", performance.timeOrigin / MS_PER_SECOND),
    ],
    readServing: () => [
      ...STATES.map((state) => series("membrane_store_state", storeHealth.state() === state ? 1 : 0, state)),
      ...Object.entries(storeDurations).map(([operation, durations]) =>
        histogramSeries("membrane_store_duration_seconds", durations, operation),
      ),
      ...(expiresMs === undefined
        ? []
        : [series("membrane_certificate_expiry_timestamp_seconds", expiresMs / MS_PER_SECOND)]),
      ...(audit === undefined
        ? []
        : [
            series("membrane_audit_lag_seconds", audit.lagMs() / MS_PER_SECOND),
            series("membrane_audit_lines_lost_total", audit.lostLines()),
          ]),
    ],
    stop: () => eventLoop?.stop(),
  };
}

function readUsage(): Reading {
  const { rss, heapUsed, heapTotal, external } = memoryUsage();
  const { user, system } = cpuUsage();
  return [
    series("membrane_cpu_seconds_total", (user + system) / MICROSECONDS_PER_SECOND),
    series("membrane_memory_bytes", rss, "resident"),
    series("membrane_memory_bytes", heapUsed, "heap_used"),
    series("membrane_memory_bytes", heapTotal, "heap_total"),
    series("membrane_memory_bytes", external, "external"),
  ];
}
