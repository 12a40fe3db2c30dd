import { expect, test } from "vitest";
import type { Position } from "./store.ts";
import { StoreBusyError } from "./store.ts";
import { startSweeper } from "./sweeper.ts";

test("a sweep that a busy store refuses is logged, unless the database is out of reach or the lease is lost", async () => {
  const faultsAt = async (position: Position | undefined, cause?: Error) => {
    const faults: unknown[] = [];
    const busy = new StoreBusyError("busy", { cause });
    const store = { sweep: () => Promise.reject(busy), position: () => position };
    const sweeper = startSweeper(store, {
      swept: () => undefined,
      fault: (error) => void faults.push(error),
    });
    await sweeper.stop();
    return faults;
  };
  const position = { log: "log", sequence: 1n };
  expect(await faultsAt(position)).toEqual([expect.any(StoreBusyError)]);
  expect(await faultsAt(position, new Error("no connection left"))).toEqual([]);
  expect(await faultsAt(undefined)).toEqual([]);
});
