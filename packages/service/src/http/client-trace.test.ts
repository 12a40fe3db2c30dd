import { expect, test } from "vitest";
import { clientTraceOf } from "./client-trace.ts";

type Exchange = Parameters<typeof clientTraceOf>[0];

function exchangeOf(...rawHeaders: readonly string[]): Exchange {
  return { request: { rawHeaders: [...rawHeaders] } } as unknown as Exchange;
}

test.each([
  ["a valid header", `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`, "a1".repeat(16)],
  ["none that is valid", "canary", undefined],
])("what a client says of its trace is parsed once, with %s", (_what, value, traceId) => {
  const exchange = exchangeOf("TraceParent", value);
  expect(clientTraceOf(exchange)?.traceId).toBe(traceId);
  exchange.request.rawHeaders[1] = `00-${"c3".repeat(16)}-${"b2".repeat(8)}-01`;
  expect(clientTraceOf(exchange)?.traceId).toBe(traceId);
});
