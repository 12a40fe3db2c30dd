import { expect, test } from "vitest";
import { Histogram } from "../../collections/histogram.ts";
import { SHORT_BOUNDS } from "./definitions.ts";
import { formatReading } from "./exposition.ts";
import { histogramSeries, series } from "./reading.ts";

test("each metric has its help, its type and its values once, in the order of the definitions", () => {
  const text = formatReading([
    series("membrane_ready", 1),
    series("membrane_cache_lookups_total", 3, "miss"),
    series("membrane_cache_lookups_total", 7, "hit"),
  ]);
  expect(text).toBe(
    [
      "# HELP membrane_cache_lookups_total Lookups of a resolution: hit, or miss, also of each request whose token does not work.",
      "# TYPE membrane_cache_lookups_total counter",
      'membrane_cache_lookups_total{result="miss"} 3',
      'membrane_cache_lookups_total{result="hit"} 7',
      "# HELP membrane_ready Whether requests can be served, as /readyz says: 1 or 0.",
      "# TYPE membrane_ready gauge",
      "membrane_ready 1",
      "",
    ].join("\n"),
  );
});

test("the buckets of a histogram count all values up to their bounds, and the last one counts all", () => {
  const histogram = new Histogram(SHORT_BOUNDS);
  for (const value of [0.000005, 0.00001, 0.5, 99]) histogram.observe(value);
  const lines = formatReading([histogramSeries("membrane_gateway_duration_seconds", histogram)]).split("\n");
  expect(lines).toContain('membrane_gateway_duration_seconds_bucket{le="0.00001"} 2');
  expect(lines).toContain('membrane_gateway_duration_seconds_bucket{le="0.4786"} 2');
  expect(lines).toContain('membrane_gateway_duration_seconds_bucket{le="0.5248"} 3');
  expect(lines).toContain('membrane_gateway_duration_seconds_bucket{le="10"} 3');
  expect(lines.slice(-4)).toEqual([
    'membrane_gateway_duration_seconds_bucket{le="+Inf"} 4',
    "membrane_gateway_duration_seconds_sum 99.500015",
    "membrane_gateway_duration_seconds_count 4",
    "",
  ]);
});

test("a label cannot end its quotes, its line or its series", () => {
  expect(formatReading([series("membrane_build_info", 1, 'a"} 2\nb\\', "c")])).toContain(
    '\nmembrane_build_info{version="a\\"} 2\\nb\\\\",node="c"} 1\n',
  );
});
