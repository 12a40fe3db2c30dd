import { expect, test } from "vitest";
import { formatExport, formatSpan } from "./otlp.ts";
import type { Span } from "./span.ts";

const SPAN: Span = {
  traceId: "a".repeat(32),
  spanId: "b".repeat(16),
  flags: 1,
  hasRemoteParent: false,
  name: "invoke",
  kind: "server",
  startMs: 1_700_000_000_000.25,
  endMs: 1_700_000_000_001.75,
  attributes: {},
  isError: false,
};

test("a span without a parent is written with what it has: ids, times in nanoseconds, and no status", () => {
  expect(JSON.parse(formatSpan(SPAN))).toEqual({
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    // Of the trace, and that the parent is known to be none of another process.
    flags: 0x101,
    name: "invoke",
    kind: 2,
    startTimeUnixNano: "1700000000000250000",
    endTimeUnixNano: "1700000000001750000",
    attributes: [],
  });
});

test("a span has its parent, whether that is in another process, its attributes by type, and that it failed", () => {
  const attributes = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "error.type": undefined,
  };
  const parent = { parentSpanId: "c".repeat(16), hasRemoteParent: true, flags: 3 };
  expect(JSON.parse(formatSpan({ ...SPAN, ...parent, attributes, isError: true }))).toMatchObject({
    parentSpanId: "c".repeat(16),
    flags: 0x303,
    attributes: [
      { key: "http.request.method", value: { stringValue: "GET" } },
      { key: "http.response.status_code", value: { intValue: "200" } },
    ],
    status: { code: 2 },
  });
});

test.each([
  ["internal", 1],
  ["server", 2],
  ["client", 3],
] as const)("a span of the kind %s has the number %i of the protocol", (kind, number) => {
  expect(JSON.parse(formatSpan({ ...SPAN, kind }))).toMatchObject({ kind: number });
});

test("a time is rounded to microseconds, whose digits a number of JavaScript has", () => {
  const written = JSON.parse(formatSpan({ ...SPAN, startMs: 0.0006, endMs: 0.0014 }));
  expect([written.startTimeUnixNano, written.endTimeUnixNano]).toEqual(["1000", "1000"]);
});

test("an export has all spans, of one resource and one scope", () => {
  const resource = { name: "membrane", version: "1.2.3", instance: "i" };
  const spans = [formatSpan(SPAN), formatSpan({ ...SPAN, name: "create" })];
  const written = JSON.parse(formatExport(resource, spans));
  expect(written).toEqual({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "membrane" } },
            { key: "service.version", value: { stringValue: "1.2.3" } },
            { key: "service.instance.id", value: { stringValue: "i" } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: "membrane-service", version: "1.2.3" },
            spans: spans.map((span) => JSON.parse(span)),
          },
        ],
      },
    ],
  });
});
