import { expect, test } from "vitest";
import type { Timed } from "./deadlines.ts";
import { Deadlines } from "./deadlines.ts";

function timed(): Timed & { readonly ticks: number[] } {
  const ticks: number[] = [];
  return { index: -1, ticks, tick: (now) => void ticks.push(now) };
}

test("all that is added learns the time, until it is deleted; the last one stops the timer, and another starts it", async () => {
  let now = 7;
  const deadlines = new Deadlines(() => now);
  const [first, second] = [timed(), timed()];
  deadlines.add(first);
  deadlines.add(second);
  await expect.poll(() => [first.ticks.at(-1), second.ticks.at(-1)]).toEqual([7, 7]);
  deadlines.delete(first);
  const before = first.ticks.length;
  now = 8;
  deadlines.tick();
  expect(second.ticks.at(-1)).toBe(8);
  expect(first.ticks).toHaveLength(before);
  expect(deadlines.isRunning).toBe(true);
  deadlines.delete(second);
  expect(deadlines.isRunning).toBe(false);
  deadlines.add(first);
  await expect.poll(() => first.ticks.at(-1)).toBe(8);
  deadlines.delete(first);
});
