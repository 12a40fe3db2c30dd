import { expect, test } from "vitest";
import { withTimeout } from "./with-timeout.ts";

const LONG_MS = 60_000;

test("what a promise is settled with in time is that of the wait for it, and no timer is left", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  expect(await withTimeout(LONG_MS, Promise.resolve("a"))).toBe("a");
  await expect(withTimeout(LONG_MS, Promise.reject(new Error("EIO")))).rejects.toThrow("EIO");
  expect(timers()).toBe(before);
});

test("a promise that takes longer ends the wait with nothing, and its late rejection is not a fault of the process", async () => {
  let fail = (_error: Error): void => undefined;
  const hanging = new Promise<string>((_resolve, reject) => (fail = reject));
  expect(await withTimeout(1, hanging)).toBeUndefined();
  fail(new Error("late"));
  await expect(hanging).rejects.toThrow("late");
});
