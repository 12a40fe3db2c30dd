import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createEventLoopScheduler } from "./event-loop-scheduler.ts";

test("one item is done in each turn of the event loop, and a tenant waits for at most one item of each other tenant", async () => {
  const turns = createEventLoopScheduler();
  const done: string[] = [];
  const add = async (tenant: string, capability: string): Promise<void> => {
    await turns.nextTurn({ tenant, capability });
    done.push(tenant);
  };
  const all = Array.from({ length: 50 }, (_, i) => add("many", `${i % 3}`));
  all.push(add("one", "o"), add("another", "a"));
  for (let turn = 1; done.length < all.length; turn += 1) {
    await nextTurn();
    expect(done.length).toBeLessThanOrEqual(turn);
  }
  await Promise.all(all);
  expect(done.indexOf("one")).toBeLessThanOrEqual(2);
  expect(done.indexOf("another")).toBeLessThanOrEqual(3);
});
