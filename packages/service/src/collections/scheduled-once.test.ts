import { expect, test } from "vitest";
import { createScheduledOnce } from "./scheduled-once.ts";

test("one call waits at most, for the time that was named first, and the call itself may ask for the next one", () => {
  const waiting: { readonly act: () => void; readonly ms: number }[] = [];
  let calls = 0;
  const later = createScheduledOnce(
    (act, ms) => void waiting.push({ act, ms }),
    () => {
      calls += 1;
      if (calls === 1) later(30);
    },
  );
  later(10);
  later(20);
  expect(waiting.map(({ ms }) => ms)).toEqual([10]);
  expect(calls).toBe(0);
  waiting.shift()!.act();
  expect(calls).toBe(1);
  expect(waiting.map(({ ms }) => ms)).toEqual([30]);
  waiting.shift()!.act();
  expect(calls).toBe(2);
  expect(waiting).toEqual([]);
  later(40);
  expect(waiting.map(({ ms }) => ms)).toEqual([40]);
});
