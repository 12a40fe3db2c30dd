import { expect, test } from "vitest";
import { GC_INTERVAL_BYTES, createYoungGcTrigger } from "./young-gc.ts";

test("collects each time this many bytes have gone through, and not before", () => {
  let count = 0;
  const streamed = createYoungGcTrigger(() => (count += 1));
  streamed(GC_INTERVAL_BYTES - 1);
  expect(count).toBe(0);
  streamed(1);
  expect(count).toBe(1);
  streamed(GC_INTERVAL_BYTES * 5);
  expect(count).toBe(2);
  streamed(GC_INTERVAL_BYTES - 1);
  expect(count).toBe(2);
});
