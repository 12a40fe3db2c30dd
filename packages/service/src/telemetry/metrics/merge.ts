import type { Merge } from "./definitions.ts";
import { METRICS } from "./definitions.ts";
import type { HistogramValue, Reading, Series } from "./reading.ts";

/** Makes one reading of those of several processes, as each metric's definition says. */
export function mergeReadings(readings: readonly Reading[]): Reading {
  const merged = new Map<string, Series>();
  for (const each of readings.flat()) {
    const key = [each.name, ...each.labels].join("\n");
    const known = merged.get(key);
    merged.set(key, known === undefined ? each : { ...each, value: mergeValues(known, each) });
  }
  return Array.from(merged.values());
}

function mergeValues({ name, value: a }: Series, { value: b }: Series): number | HistogramValue {
  if (typeof a === "number" && typeof b === "number") return MERGES[METRICS[name].merge ?? "sum"](a, b);
  if (typeof a === "number" || typeof b === "number") throw new TypeError(`${name} has values of two kinds`);
  return { counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)), sum: a.sum + b.sum };
}

const MERGES: Readonly<Record<Merge, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};

/** The readings of processes that come and go. */
export interface ProcessReadings<K> {
  /** Keeps the latest reading of a process. */
  put(process: K, reading: Reading): void;
  /** The process has ended. What it has counted stays: a sum that fell would look like a restart of all of them. */
  end(process: K): void;
  all(): readonly Reading[];
}

export function createProcessReadings<K>(): ProcessReadings<K> {
  const current = new Map<K, Reading>();
  let ended: Reading = [];
  return {
    put: (process, reading) => void current.set(process, reading),
    end(process) {
      const last = current.get(process);
      if (last === undefined) return;
      current.delete(process);
      ended = mergeReadings([ended, last.filter(({ name }) => METRICS[name].type !== "gauge")]);
    },
    all: () => [ended, ...current.values()],
  };
}
