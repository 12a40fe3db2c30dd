import type { Histogram } from "../collections/histogram.ts";
import type { Engine } from "./engine.ts";
import type { WriteClass } from "./write-queue.ts";

/** How long reads, and writes of each class, take, in seconds; those that fail included. */
export type StoreDurations = Readonly<Record<"read" | WriteClass, Histogram>>;

const MS_PER_SECOND = 1_000;

/** Measures every read and write of an engine. @param now a monotonic clock, in milliseconds. */
export function meterEngine(engine: Engine, durations: StoreDurations, now: () => number): Engine {
  const startTimer = (histogram: Histogram): (() => void) => {
    const from = now();
    return () => histogram.observe((now() - from) / MS_PER_SECOND);
  };
  return {
    ...engine,
    read(request, decide) {
      const stop = startTimer(durations.read);
      const result = engine.read(request, decide);
      if (!(result instanceof Promise)) stop();
      else result.then(stop, stop);
      return result;
    },
    write(request, decide) {
      const stop = startTimer(durations[request.class]);
      const result = engine.write(request, decide);
      result.then(stop, stop);
      return result;
    },
  };
}
