import { expect, test } from "vitest";
import { SpanQueue } from "./span-queue.ts";

const SPAN = "x".repeat(68);
/** With what a span takes besides its text. */
const SPAN_BYTES = 100;

test("spans wait in their order up to the limit, and those for which there is no room are counted", () => {
  const queue = new SpanQueue(3 * SPAN_BYTES);
  for (let at = 0; at < 5; at += 1) queue.put(SPAN.replace("x", String(at)));
  expect([queue.bytes, queue.dropped]).toEqual([300, 2]);
  expect(queue.take(1_000)?.spans.map(([first]) => first)).toEqual(["0", "1", "2"]);
  expect(queue.take(1_000)).toBeUndefined();
});

test("a batch keeps its memory until it is released", () => {
  const queue = new SpanQueue(3 * SPAN_BYTES);
  for (let at = 0; at < 3; at += 1) queue.put(SPAN);
  const batch = queue.take(2 * SPAN_BYTES)!;
  expect([batch.spans.length, queue.waitingBytes, queue.bytes]).toEqual([2, 100, 300]);
  queue.put(SPAN);
  expect(queue.dropped).toBe(1);
  queue.release(batch);
  queue.put(SPAN);
  queue.put(SPAN);
  expect([queue.bytes, queue.dropped]).toEqual([300, 1]);
  expect(queue.clear()).toBe(3);
  expect(queue.bytes).toBe(0);
});

test("two batches that are sent keep their memory each", () => {
  const queue = new SpanQueue(3 * SPAN_BYTES);
  for (let at = 0; at < 3; at += 1) queue.put(SPAN);
  const batches = [queue.take(2 * SPAN_BYTES)!, queue.take(SPAN_BYTES)!];
  queue.release(batches[0]!);
  expect(queue.bytes).toBe(100);
  queue.release(batches[1]!);
  expect(queue.bytes).toBe(0);
});

test("a span that is larger than a batch is one by itself", () => {
  const queue = new SpanQueue(1_000);
  queue.put(SPAN);
  queue.put(SPAN);
  expect(queue.take(10)?.spans).toHaveLength(1);
  expect(queue.take(10)?.spans).toHaveLength(1);
});
