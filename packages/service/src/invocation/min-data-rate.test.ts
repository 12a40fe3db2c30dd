import fc from "fast-check";
import { expect, test } from "vitest";
import { checkRate } from "./min-data-rate.ts";
import type { RateWindow } from "./min-data-rate.ts";

const RATE = { windowMs: 1_000, bytesPerSecond: 1_000 };

test("a window begins when the other side is waited for, and is checked when it is over", () => {
  const begun = checkRate(undefined, 500, 10, RATE);
  expect(begun).toEqual({ since: 10, bytes: 500 });
  expect(checkRate(begun as RateWindow, 500, 1_009, RATE)).toBe(begun);
  expect(checkRate(begun as RateWindow, 1_499, 1_010, RATE)).toBe("too_slow");
  expect(checkRate(begun as RateWindow, 1_500, 1_010, RATE)).toEqual({ since: 1_010, bytes: 1_500 });
});

test("a window that is checked late must have transferred more", () => {
  expect(checkRate({ since: 0, bytes: 0 }, 1_499, 1_500, RATE)).toBe("too_slow");
  expect(checkRate({ since: 0, bytes: 0 }, 1_500, 1_500, RATE)).toEqual({ since: 1_500, bytes: 1_500 });
});

test("a side that keeps the rate is never too slow, and one that is silent always is, at whatever intervals it is checked", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(steps, (list) => {
      let steady: RateWindow | "too_slow" | undefined;
      let silent: RateWindow | "too_slow" | undefined;
      let now = 0;
      for (const step of [...list, 1_000, 1_000]) {
        now += step;
        if (steady !== "too_slow") steady = checkRate(steady, now, now, RATE);
        if (silent !== "too_slow") silent = checkRate(silent, 7, now, RATE);
      }
      expect([typeof steady, silent]).toEqual(["object", "too_slow"]);
    }),
  );
});
