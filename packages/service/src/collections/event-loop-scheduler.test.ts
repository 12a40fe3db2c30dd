import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
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

test("an item that blocks the event loop is followed by a pause as long as itself, a short one by none", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  try {
    const turns = createEventLoopScheduler();
    const begun: number[] = [];
    const block = async (ms: number): Promise<void> => {
      await turns.nextTurn({ tenant: "t", capability: "c" });
      begun.push(performance.now());
      vi.advanceTimersByTime(ms);
    };
    const all = [block(7), block(0.5), block(0.5), block(3)];
    for (let turn = 0; turn < 20; turn += 1) {
      await nextTurn();
      vi.advanceTimersToNextTimer();
    }
    await Promise.all(all);
    const pauses = begun.slice(1).map((at, index) => at - begun[index]!);
    expect(pauses).toEqual([14, 0.5, 0.5]);
  } finally {
    vi.useRealTimers();
  }
});

test("while something urgent is in progress and for 20 milliseconds after it, a short item is followed by a pause too", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  try {
    const turns = createEventLoopScheduler();
    const urgent = deferred<void>();
    const over = turns.urgent(() => urgent.promise);
    const begun: number[] = [];
    const item = async (): Promise<void> => {
      await turns.nextTurn({ tenant: "t", capability: "c" });
      begun.push(performance.now());
      if (begun.length === 3) urgent.resolve();
    };
    const all = Array.from({ length: 40 }, item);
    while (begun.length < all.length) {
      await nextTurn();
      vi.advanceTimersToNextTimer();
    }
    await Promise.all([over, ...all]);
    const pauses = begun.slice(1).map((at, index) => at - begun[index]!);
    expect(pauses.slice(0, 22)).toEqual(Array<number>(22).fill(1));
    expect(pauses.slice(23)).toEqual(Array<number>(16).fill(0));
  } finally {
    vi.useRealTimers();
  }
});
