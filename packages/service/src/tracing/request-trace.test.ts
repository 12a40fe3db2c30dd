import { expect, test } from "vitest";
import type { TraceIdentity } from "./request-trace.ts";
import { RequestTrace } from "./request-trace.ts";
import type { Span } from "./span.ts";

const TRACE_ID = "a".repeat(32);
const PARENT = { traceId: TRACE_ID, spanId: "f".repeat(16), flags: 3 };

/** A trace of a request that arrived at 100 ms, on a clock that the test sets. */
function traced(identity: Partial<TraceIdentity> = {}) {
  const clock = { now: 100 };
  const recorded: (readonly Span[])[] = [];
  let ids = 0;
  const trace = new RequestTrace(
    { traceId: TRACE_ID, flags: 1, parent: undefined, keepsState: false, ...identity },
    {
      newSpanId: () => String((ids += 1)).padStart(16, "0"),
      clock: { monotonic: () => clock.now, epochMs: 1_000_000 },
      arrivedAt: 100,
      record: (spans) => recorded.push(spans),
    },
  );
  return { trace, clock, recorded, spans: () => recorded.flat() };
}

const END = { name: "invoke", attributes: { a: 1 }, isError: false };

test("a request has a span from its arrival to its end, which begins a trace", () => {
  const { trace, clock, recorded } = traced();
  clock.now = 130;
  trace.end(END);
  expect(recorded).toEqual([
    [
      {
        traceId: TRACE_ID,
        spanId: "0000000000000001",
        parentSpanId: undefined,
        flags: 1,
        hasRemoteParent: false,
        name: "invoke",
        kind: "server",
        startMs: 1_000_100,
        endMs: 1_000_130,
        attributes: { a: 1 },
        isError: false,
      },
    ],
  ]);
});

test("a request whose client named a trace descends from the client's span, in another process", () => {
  const { trace, spans } = traced({ flags: 3, parent: PARENT });
  trace.end(END);
  expect(spans()).toMatchObject([{ parentSpanId: PARENT.spanId, hasRemoteParent: true, flags: 3 }]);
});

test("the request to the target is a span below the request, as long as it took, and its id is what the target gets", () => {
  const { trace, clock, spans } = traced({ flags: 3, parent: PARENT });
  expect(trace.traceparent).toBe(`00-${TRACE_ID}-0000000000000002-03`);
  trace.targetMethod = "PUT";
  clock.now = 150;
  trace.end({
    ...END,
    target: { attributes: { "http.response.status_code": 500 }, isError: true, durationMs: 20 },
  });
  const [target, request] = spans();
  expect(target).toEqual({
    traceId: TRACE_ID,
    spanId: "0000000000000002",
    parentSpanId: request!.spanId,
    flags: 3,
    hasRemoteParent: false,
    name: "PUT",
    kind: "client",
    startMs: 1_000_130,
    endMs: 1_000_150,
    attributes: { "http.request.method": "PUT", "http.response.status_code": 500 },
    isError: true,
  });
  expect(request).toMatchObject({ kind: "server", isError: false });
});

test("a method that OpenTelemetry does not name is not in a span", () => {
  const { trace, spans } = traced();
  trace.targetMethod = "CANARY";
  trace.end({ ...END, target: { attributes: {}, isError: false, durationMs: 0 } });
  expect(spans()[0]).toMatchObject({ name: "HTTP", attributes: { "http.request.method": "_OTHER" } });
});

test("what the store took is below the request, and a write that fails is an error and fails for its caller", async () => {
  const { trace, clock, spans } = traced();
  trace.addStoreSpan("store read", 101, 103);
  clock.now = 110;
  expect(await trace.measureWrite(Promise.resolve("made"))).toBe("made");
  const failing = trace.measureWrite(
    Promise.resolve().then(() => {
      clock.now = 125;
      throw new Error("EIO");
    }),
  );
  await expect(failing).rejects.toThrow("EIO");
  trace.end(END);
  const [read, made, failed, request] = spans();
  const below = { kind: "internal", parentSpanId: request!.spanId, hasRemoteParent: false, attributes: {} };
  expect(read).toMatchObject({ ...below, name: "store read", startMs: 1_000_101, endMs: 1_000_103 });
  expect(made).toMatchObject({ ...below, name: "store write", startMs: 1_000_110, isError: false });
  expect(failed).toMatchObject({ ...below, startMs: 1_000_110, endMs: 1_000_125, isError: true });
  expect(read!.isError).toBe(false);
  expect(new Set(spans().map(({ spanId }) => spanId)).size).toBe(4);
});

test("a request ends once, even if a fault follows its response", () => {
  const { trace, recorded } = traced();
  trace.end(END);
  trace.end({ ...END, isError: true });
  expect(recorded).toHaveLength(1);
  expect(recorded[0]).toMatchObject([{ isError: false }]);
});
