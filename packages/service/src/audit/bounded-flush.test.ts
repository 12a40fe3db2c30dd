import { expect, test } from "vitest";
import { createBoundedFlush, FlushTimeoutError } from "./bounded-flush.ts";

test("a flush that hangs ends the wait for it, and no other one is begun until it has ended", async () => {
  let begun = 0;
  let end = (): void => undefined;
  const hanging = new Promise<void>((resolve) => (end = resolve));
  const flush = createBoundedFlush(() => {
    begun += 1;
    return begun === 1 ? hanging : Promise.resolve();
  }, 20);
  await expect(flush()).rejects.toThrow(FlushTimeoutError);
  await expect(flush()).rejects.toThrow(FlushTimeoutError);
  expect(begun).toBe(1);
  end();
  await flush();
  expect(begun).toBe(2);
});

test("the error of a flush is that of the wait for it", async () => {
  const flush = createBoundedFlush(() => Promise.reject(new Error("EIO")), 20);
  await expect(flush()).rejects.toThrow("EIO");
  await expect(flush()).rejects.toThrow("EIO");
});
