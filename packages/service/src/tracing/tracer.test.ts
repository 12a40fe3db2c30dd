import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Span } from "./span.ts";
import type { TraceContext } from "./trace-context.ts";
import { RANDOM, SAMPLED } from "./trace-context.ts";
import { createTracer } from "./tracer.ts";

const OWNERS = { capabilities: [{ uid: "c" }], tenants: [{ uid: "t" }] };

interface Sent {
  readonly parent?: TraceContext;
  readonly tracestate?: readonly string[];
}

/** A tracer, and what it asks the rate for. */
function tracing({ share = 1, isFree = true } = {}) {
  const recorded: (readonly Span[])[] = [];
  const taken: unknown[] = [];
  const tracer = createTracer({
    share,
    rate: {
      refused: 0,
      take(owners) {
        taken.push(owners);
        return isFree;
      },
    },
    random: randomBytes,
    now: () => new Date(5_000_000),
    monotonic: () => 2_000,
    record: (spans) => recorded.push(spans),
  });
  const begin = ({ parent, tracestate = [] }: Sent = {}) =>
    tracer.begin({ parent, tracestate: () => tracestate, owners: OWNERS, arrivedAt: 1_500 });
  return { begin, recorded, taken };
}

function parentOf(traceId: string, flags: number = SAMPLED): TraceContext {
  return { traceId, spanId: "f".repeat(16), flags };
}

test("a request without a trace begins one, with random ids and the time of day", () => {
  const { begin, recorded, taken } = tracing();
  const [first, second] = [begin()!, begin()!];
  expect(first.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(second.traceId).not.toBe(first.traceId);
  expect(first).toMatchObject({ parent: undefined, keepsState: false });
  expect(first.traceparent).toMatch(new RegExp(`^00-${first.traceId}-[0-9a-f]{16}-01$`));
  first.end({ name: "invoke", attributes: {}, isError: false });
  // The monotonic clock was at zero at 4,998,000.
  expect(recorded).toMatchObject([[{ startMs: 4_999_500, endMs: 5_000_000 }]]);
  expect(taken).toEqual([OWNERS, OWNERS]);
});

test("a client's trace goes on with its flags, and its tracestate only if that is valid", () => {
  const { begin } = tracing();
  const parent = parentOf("b".repeat(32), SAMPLED | RANDOM);
  const trace = begin({ parent, tracestate: ["a=1"] })!;
  expect(trace).toMatchObject({ traceId: parent.traceId, parent, keepsState: true });
  expect(trace.traceparent).toMatch(/-03$/);
  expect(begin({ parent, tracestate: ["a"] })).toMatchObject({ keepsState: false });
  // Of a trace that begins here it says nothing.
  expect(begin({ tracestate: ["a=1"] })).toMatchObject({ keepsState: false });
});

test("a trace that its sender has not recorded is not recorded, and takes no place of the rate", () => {
  const { begin, taken } = tracing();
  expect(begin({ parent: parentOf("b".repeat(32), RANDOM) })).toBeUndefined();
  expect(taken).toEqual([]);
});

test("what the rate has no place for is not recorded", () => {
  expect(tracing({ isFree: false }).begin()).toBeUndefined();
});

test.each([
  [0, "000000000000", false],
  [0.25, "3fffffffffff", true],
  [0.25, "400000000000", false],
  [0.999, "ffffffffffff", false],
  [1, "ffffffffffff", true],
])("of a share of %d a trace whose id ends with %s is recorded: %s", (share, digits, isRecorded) => {
  const { begin, taken } = tracing({ share });
  // The left part of an id may be the same in all.
  const ids = [`${"0".repeat(19)}1${digits}`, `${"f".repeat(20)}${digits}`];
  for (const id of ids) expect(begin({ parent: parentOf(id) }) !== undefined).toBe(isRecorded);
  expect(taken).toHaveLength(isRecorded ? ids.length : 0);
});
