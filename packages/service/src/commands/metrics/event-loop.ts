import { performance } from "node:perf_hooks";
import { Histogram } from "../../collections/histogram.ts";
import { SHORT_BOUNDS } from "../../telemetry/metrics/definitions.ts";
import type { Reading } from "../../telemetry/metrics/reading.ts";
import { histogramSeries, series } from "../../telemetry/metrics/reading.ts";

/** Rare enough to cost nothing, and often enough to notice what keeps requests waiting. */
const INTERVAL_MS = 20;

const MS_PER_SECOND = 1_000;

/** Measures how late the timers of this process fire. */
export interface EventLoopMeter {
  read(): Reading;
  stop(): void;
}

export function startEventLoopMeter(): EventLoopMeter {
  const delays = new Histogram(SHORT_BOUNDS);
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // A timer may fire a little early, since it counts in whole milliseconds.
    delays.observe(Math.max(0, now - last - INTERVAL_MS) / MS_PER_SECOND);
    last = now;
  }, INTERVAL_MS).unref();
  return {
    read: () => [
      histogramSeries("membrane_event_loop_delay_seconds", delays),
      series(
        "membrane_event_loop_active_seconds_total",
        performance.eventLoopUtilization().active / MS_PER_SECOND,
      ),
    ],
    stop: () => clearInterval(timer),
  };
}
