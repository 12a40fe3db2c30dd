import { refuse } from "capability-protocol/result";
import { type CapabilityError, invalidField } from "./error.ts";

/**
 * A callback that is called once: with an error, or with `undefined` and the response.
 *
 * @example
 * const callback: Callback<{ readonly id: string }> = (error, response) => {
 *   if (error) throw error;
 *   response?.id; // => id
 * };
 * new Membrane().create(CREATE_URI, { id }, callback);
 */
export type Callback<T> = (error: CapabilityError | undefined, response?: T) => void;

/**
 * Starts the operation, and passes its result to the callback; returns the promise when there is no callback.
 *
 * @throws CapabilityError if the callback is not a function.
 */
export function callbackify<T>(
  operation: () => Promise<T>,
  callback: Callback<T> | undefined | null,
): Promise<T> | undefined {
  if (callback === undefined || callback === null) return operation();
  if (typeof callback !== "function") throw invalidField(refuse("callback", "a function").error);
  // In a separate microtask, an error that the callback throws is an uncaught exception and not a rejection.
  operation().then(
    (response) => queueMicrotask(() => callback(undefined, response)),
    (error: CapabilityError) => queueMicrotask(() => callback(error)),
  );
  return undefined;
}
