import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Timed } from "./deadlines.ts";
import { Deadlines } from "./deadlines.ts";

function timed(): Timed & { readonly ticks: number[] } {
  const ticks: number[] = [];
  return { index: -1, ticks, tick: (now) => void ticks.push(now) };
}

test("all that is added learns the time, until it is deleted; the last one stops the timer, and another starts it", async () => {
  let now = 7;
  let looks = 0;
  const deadlines = new Deadlines(() => ((looks += 1), now));
  const [first, second] = [timed(), timed()];
  deadlines.add(first);
  deadlines.add(second);
  await expect.poll(() => [first.ticks.at(-1), second.ticks.at(-1)]).toEqual([7, 7]);
  deadlines.delete(first);
  const before = first.ticks.length;
  now = 8;
  await expect.poll(() => second.ticks.at(-1)).toBe(8);
  expect(first.ticks).toHaveLength(before);
  deadlines.delete(second);
  const looked = looks;
  await setTimeout(600);
  expect(looks).toBe(looked);
  deadlines.add(first);
  await expect.poll(() => first.ticks.at(-1)).toBe(8);
  deadlines.delete(first);
});
