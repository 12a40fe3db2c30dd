import type { MetricName } from "./definitions.ts";
import { METRIC_NAMES, METRICS } from "./definitions.ts";
import type { HistogramValue, Reading, Series } from "./reading.ts";

/** The media type of {@link formatReading}: the text format of Prometheus. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Writes a reading in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format), metric by metric.
 */
export function formatReading(reading: Reading): string {
  const byName = groupByName(reading);
  const lines: string[] = [];
  for (const name of METRIC_NAMES) {
    const all = byName.get(name);
    if (all === undefined) continue;
    const { type, help } = METRICS[name];
    lines.push(`# HELP ${name} ${escapeHelp(help)}.`, `# TYPE ${name} ${type}`);
    for (const one of all) lines.push(...formatSeries(one));
  }
  return `${lines.join("\n")}\n`;
}

function groupByName(reading: Reading): ReadonlyMap<MetricName, readonly Series[]> {
  const byName = new Map<MetricName, Series[]>();
  for (const one of reading) {
    const known = byName.get(one.name);
    if (known === undefined) byName.set(one.name, [one]);
    else known.push(one);
  }
  return byName;
}

function formatSeries({ name, labels, value }: Series): string[] {
  const { labels: names = [], bounds } = METRICS[name];
  const pairs = names.map((label, i) => `${label}="${escapeLabel(labels[i] ?? "")}"`);
  if (typeof value === "number") return [`${name}${braces(pairs)} ${value}`];
  if (bounds === undefined) throw new TypeError(`${name} has no bounds`);
  return formatHistogram(name, pairs, bounds, value);
}

function formatHistogram(
  name: string,
  pairs: readonly string[],
  bounds: Float64Array,
  { counts, sum }: HistogramValue,
): string[] {
  const lines: string[] = [];
  let total = 0;
  for (const [i, bound] of bounds.entries()) {
    total += counts[i] ?? 0;
    lines.push(`${name}_bucket${braces([...pairs, `le="${bound}"`])} ${total}`);
  }
  total += counts[bounds.length] ?? 0;
  lines.push(
    `${name}_bucket${braces([...pairs, 'le="+Inf"'])} ${total}`,
    `${name}_sum${braces(pairs)} ${sum}`,
    `${name}_count${braces(pairs)} ${total}`,
  );
  return lines;
}

function braces(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
