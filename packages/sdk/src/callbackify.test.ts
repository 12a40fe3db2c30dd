import { expect, test } from "vitest";
import { callbackify } from "./callbackify.ts";
import { CapabilityError, invalidField } from "./error.ts";

const refusal = invalidField({ field: "id", expected: "a string" });

test.each([undefined, null])("with %s for a callback the promise is returned", async (callback) => {
  await expect(callbackify(() => Promise.resolve(7), callback)).resolves.toBe(7);
  await expect(callbackify(() => Promise.reject(refusal), callback)).rejects.toBe(refusal);
});

test.each([
  ["a promise that is already fulfilled", () => Promise.resolve(7), [undefined, 7]],
  ["a refusal", () => Promise.reject(refusal), [refusal]],
])("%s calls the callback once, and never before the call has returned", async (_what, outcome, values) => {
  const calls: unknown[][] = [];
  const returned = callbackify(outcome, (...given) => calls.push(given));
  expect(returned).toBeUndefined();
  expect(calls).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([values]);
});

test.each([0, "", "f", {}, [], false])(
  "%j for a callback is refused and the operation is not started",
  (callback) => {
    let isBegun = false;
    const begin = (): Promise<never> => {
      isBegun = true;
      return Promise.reject(refusal);
    };
    // The types do not constrain callers in JavaScript.
    expect(() => callbackify(begin, callback as unknown as () => void)).toThrow(CapabilityError);
    expect(() => callbackify(begin, callback as unknown as () => void)).toThrow(
      "callback: expected a function",
    );
    expect(isBegun).toBe(false);
  },
);
