import { expect, test } from "vitest";
import { tidyAfter } from "./tidy.ts";

test("tidies each time the bytes are through, and not before", () => {
  let count = 0;
  const streamed = tidyAfter(100, () => (count += 1));
  streamed(99);
  expect(count).toBe(0);
  streamed(1);
  expect(count).toBe(1);
  streamed(500);
  expect(count).toBe(2);
  streamed(99);
  expect(count).toBe(2);
});
