import { expect, test } from "vitest";
import { createGroupSync } from "./group-sync.ts";

test("those who ask while a flush is in progress share the next one, which begins after it", async () => {
  const flushes: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const sync = createGroupSync(
    () => new Promise<void>((resolve, reject) => flushes.push({ resolve, reject })),
  );
  const first = sync();
  const [second, third] = [sync(), sync()];
  expect(flushes).toHaveLength(1);
  flushes[0]!.resolve();
  await first;
  await expect.poll(() => flushes.length).toBe(2);
  const fourth = sync();
  flushes[1]!.reject(new Error("EIO"));
  await expect(second).rejects.toThrow("EIO");
  await expect(third).rejects.toThrow("EIO");
  // A flush that fails fails for no one who asked later.
  await expect.poll(() => flushes.length).toBe(3);
  flushes[2]!.resolve();
  await fourth;
  expect(flushes).toHaveLength(3);
});
