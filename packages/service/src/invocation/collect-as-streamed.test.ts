import { expect, test } from "vitest";
import { COLLECT_EVERY_BYTES, collectAsStreamed } from "./collect-as-streamed.ts";

test("collects each time so many bytes have gone through, and not before", () => {
  let count = 0;
  const streamed = collectAsStreamed(() => (count += 1));
  streamed(COLLECT_EVERY_BYTES - 1);
  expect(count).toBe(0);
  streamed(1);
  expect(count).toBe(1);
  streamed(COLLECT_EVERY_BYTES * 5);
  expect(count).toBe(2);
  streamed(COLLECT_EVERY_BYTES - 1);
  expect(count).toBe(2);
});
