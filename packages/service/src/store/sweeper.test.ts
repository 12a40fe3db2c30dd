import { expect, test, vi } from "vitest";
import { deferred } from "../../../testkit/src/deferred.ts";
import type { Position } from "./revocation-source.ts";
import { StoreBusyError } from "./store.ts";
import { StoreFailedError } from "./store.ts";
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

test("a sweep follows a revoke after a tenth of a second, which further revokes do not put off, and takes what they left", async () => {
  vi.useFakeTimers();
  try {
    let sweeps = 0;
    const store = {
      sweep: () => Promise.resolve({ deleted: 0, more: (sweeps += 1) % 2 === 0 }),
      position: () => undefined,
    };
    const sweeper = startSweeper(store, { swept: () => undefined, fault: () => undefined });
    await vi.advanceTimersByTimeAsync(0);
    expect(sweeps).toBe(1);
    sweeper.wake();
    await vi.advanceTimersByTimeAsync(60);
    sweeper.wake();
    await vi.advanceTimersByTimeAsync(39);
    expect(sweeps).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sweeps).toBe(3);
    sweeper.wake();
    await sweeper.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sweeps).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test("a revoke during the last batch of a sweep is followed by another sweep, which takes what it left", async () => {
  vi.useFakeTimers();
  try {
    let sweeps = 0;
    const [first, last] = [deferred<void>(), deferred<void>()];
    const store = {
      async sweep() {
        sweeps += 1;
        if (sweeps === 1) await first.promise;
        if (sweeps === 2) await last.promise;
        return { deleted: 0, more: sweeps === 1 };
      },
      position: () => undefined,
    };
    const sweeper = startSweeper(store, { swept: () => undefined, fault: () => undefined });
    sweeper.wake();
    first.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(sweeps).toBe(2);
    sweeper.wake();
    last.resolve();
    await vi.advanceTimersByTimeAsync(99);
    expect(sweeps).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sweeps).toBe(3);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sweeps).toBe(3);
    await sweeper.stop();
  } finally {
    vi.useRealTimers();
  }
});

test("a sweep that the database or the disk has failed is no fault of the program, and a sweep that throws otherwise is", async () => {
  const faults: unknown[] = [];
  const defect = new TypeError("defect");
  for (const error of [new StoreFailedError("42P01"), defect]) {
    const store = { sweep: () => Promise.reject(error), position: () => undefined };
    const sweeper = startSweeper(store, {
      swept: () => undefined,
      fault: (fault) => void faults.push(fault),
    });
    await sweeper.stop();
  }
  expect(faults).toEqual([defect]);
});
