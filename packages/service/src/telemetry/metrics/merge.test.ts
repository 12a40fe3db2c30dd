import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../../collections/histogram.ts";
import { SHORT_BOUNDS } from "./definitions.ts";
import { createProcessReadings, mergeReadings } from "./merge.ts";
import type { MetricName } from "./definitions.ts";
import type { Reading } from "./reading.ts";
import { histogramSeries, parseReading, series } from "./reading.ts";

function valueOf(reading: Reading, name: MetricName, ...labels: readonly string[]): unknown {
  return reading.find((each) => each.name === name && each.labels.join() === labels.join())?.value;
}

test("counts and sizes of several processes are added up, label by label; what all share is not", () => {
  const merged = mergeReadings([
    [
      series("membrane_cache_lookups_total", 1, "hit"),
      series("membrane_cache_entries", 10),
      series("membrane_store_size_bytes", 7),
      series("membrane_store_room_bytes", 5),
      series("membrane_ready", 1),
      series("membrane_certificate_expiry_timestamp_seconds", 9),
    ],
    [
      series("membrane_cache_lookups_total", 2, "hit"),
      series("membrane_cache_lookups_total", 4, "miss"),
      series("membrane_cache_entries", 20),
      series("membrane_store_size_bytes", 8),
      series("membrane_store_room_bytes", 4),
      series("membrane_ready", 0),
      series("membrane_certificate_expiry_timestamp_seconds", 8),
    ],
  ]);
  expect(valueOf(merged, "membrane_cache_lookups_total", "hit")).toBe(3);
  expect(valueOf(merged, "membrane_cache_lookups_total", "miss")).toBe(4);
  expect(valueOf(merged, "membrane_cache_entries")).toBe(30);
  expect(valueOf(merged, "membrane_store_size_bytes")).toBe(8);
  expect(valueOf(merged, "membrane_store_room_bytes")).toBe(4);
  expect(valueOf(merged, "membrane_ready")).toBe(0);
  expect(valueOf(merged, "membrane_certificate_expiry_timestamp_seconds")).toBe(8);
});

/** What a process has counted: this many requests, each of which took as long. */
function readingOf(requests: number): Reading {
  const histogram = new Histogram(SHORT_BOUNDS);
  for (let i = 0; i < requests; i += 1) histogram.observe(0.001);
  return [
    series("membrane_log_lines_lost_total", requests),
    series("membrane_client_connections", requests),
    histogramSeries("membrane_gateway_duration_seconds", histogram),
  ];
}

test("no count ever falls, whichever processes end and start, and a gauge forgets those that have ended", () => {
  const step = fc.record({
    process: fc.constantFrom("a", "b", "c"),
    requests: fc.nat(20),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const readings = createProcessReadings<string>();
      const current = new Map<string, number>();
      let total = 0;
      for (const { process, requests, ends } of steps) {
        current.set(process, (current.get(process) ?? 0) + requests);
        total += requests;
        readings.put(process, readingOf(current.get(process)!));
        if (ends) {
          current.delete(process);
          readings.end(process);
        }
        const merged = mergeReadings(readings.all());
        expect(valueOf(merged, "membrane_log_lines_lost_total")).toBe(total);
        expect(valueOf(merged, "membrane_gateway_duration_seconds")).toMatchObject({
          sum: expect.closeTo(total / 1_000),
        });
        const open = Array.from(current.values()).reduce((sum, count) => sum + count, 0);
        expect(valueOf(merged, "membrane_client_connections") ?? 0).toBe(open);
      }
    }),
  );
});

test("a reading that another process has sent as JSON is the same, and anything else is none", () => {
  const reading = [...readingOf(3), series("membrane_build_info", 1, "1.0.0", "v24")];
  expect(parseReading(JSON.parse(JSON.stringify(reading)))).toEqual(reading);
  for (const other of [
    undefined,
    null,
    "membrane_ready",
    {},
    [null],
    [{ name: "membrane_ready", labels: [] }],
    [{ name: "membrane_ready", labels: ["x"], value: 1 }],
    [{ name: "membrane_ready", labels: [], value: "1" }],
    [{ name: "membrane_ready", labels: [], value: { counts: [], sum: 1 } }],
    [{ name: "membrane_gateway_duration_seconds", labels: [], value: { counts: [1], sum: 1 } }],
    [{ name: "membrane_unknown", labels: [], value: 1 }],
    [{ name: "toString", labels: [], value: 1 }],
  ])
    expect(parseReading(other)).toBeUndefined();
});
