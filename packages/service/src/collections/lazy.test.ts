import { expect, test } from "vitest";
import { lazy } from "./lazy.ts";

test("a value is made once, at its first use", () => {
  const made: object[] = [];
  const value = lazy(() => {
    const one = {};
    made.push(one);
    return one;
  });
  expect(made).toHaveLength(0);
  expect(value()).toBe(value());
  expect(made).toHaveLength(1);
});

test("a value that could not be made is tried again at the next use", () => {
  let attempts = 0;
  const value = lazy(() => {
    attempts += 1;
    if (attempts === 1) throw new Error("not yet");
    return { attempts };
  });
  expect(value).toThrow("not yet");
  expect(value()).toEqual({ attempts: 2 });
});
