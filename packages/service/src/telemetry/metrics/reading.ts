import type { Histogram } from "../../collections/histogram.ts";
import type { MetricName } from "./definitions.ts";
import { METRICS } from "./definitions.ts";

/** What a histogram has counted: one count for each of its bounds, and one for what is over all of them. */
export interface HistogramValue {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One value of a metric. */
export interface Series {
  readonly name: MetricName;
  /** The values of its labels, in the order of its definition. */
  readonly labels: readonly string[];
  readonly value: number | HistogramValue;
}

/** What one process has measured, at one moment. It can be sent as JSON. */
export type Reading = readonly Series[];

export function series(name: MetricName, value: number, ...labels: readonly string[]): Series {
  return { name, labels, value };
}

export function histogramSeries(
  name: MetricName,
  { counts, sum }: Histogram,
  ...labels: readonly string[]
): Series {
  return { name, labels, value: { counts: Array.from(counts), sum } };
}

/**
 * Reads what another process of the service has sent.
 *
 * @returns nothing if it is not a reading: the processes are of one version, and what is not of it is not counted.
 */
export function parseReading(value: unknown): Reading | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  return items.every(isSeries) ? items : undefined;
}

function isSeries(value: unknown): value is Series {
  if (typeof value !== "object" || value === null) return false;
  if (!("name" in value) || !("labels" in value) || !("value" in value)) return false;
  const { name, labels } = value;
  if (typeof name !== "string" || !isMetricName(name)) return false;
  const { bounds, labels: names = [] } = METRICS[name];
  if (!Array.isArray(labels) || labels.length !== names.length) return false;
  if (!labels.every((label) => typeof label === "string")) return false;
  return bounds === undefined ? typeof value.value === "number" : isHistogram(value.value, bounds.length + 1);
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

function isHistogram(value: unknown, buckets: number): boolean {
  if (typeof value !== "object" || value === null || !("counts" in value) || !("sum" in value)) return false;
  const { counts, sum } = value;
  return Array.isArray(counts) && counts.length === buckets && typeof sum === "number";
}
