import { refuse } from "capability-protocol";
import { type CapabilityError, invalidField } from "./error.ts";

/**
 * Called once: with an error, or with `undefined` and the response.
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
 * Hands the outcome to the callback, or gives the promise back where there is none.
 *
 * @throws CapabilityError if the callback is something else than a function.
 */
export function callbackify<T>(
  operation: () => Promise<T>,
  callback: Callback<T> | undefined | null,
): Promise<T> | undefined {
  if (callback === undefined || callback === null) return operation();
  if (typeof callback !== "function") throw invalidField(refuse("callback", "a function").error);
  // In a microtask of its own, what the callback throws is an uncaught exception as anywhere, not a rejection.
  operation().then(
    (response) => queueMicrotask(() => callback(undefined, response)),
    (error: CapabilityError) => queueMicrotask(() => callback(error)),
  );
  return undefined;
}
