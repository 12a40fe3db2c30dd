import { expect, test } from "vitest";
import type { Position } from "./store.ts";
import { StoreBusyError } from "./store.ts";
import { startSweeper } from "./sweeper.ts";

test("a sweep that a busy store refuses is logged, unless the lease is lost, which is logged elsewhere", async () => {
  const faultsAt = async (position: Position | undefined) => {
    const faults: unknown[] = [];
    const store = { sweep: () => Promise.reject(new StoreBusyError("busy")), position: () => position };
    const sweeper = startSweeper(store, {
      swept: () => undefined,
      fault: (error) => void faults.push(error),
    });
    await sweeper.stop();
    return faults;
  };
  expect(await faultsAt({ log: "log", sequence: 1n })).toEqual([expect.any(StoreBusyError)]);
  expect(await faultsAt(undefined)).toEqual([]);
});
