import { refuse } from "capability-protocol";
import { type CapabilityError, invalid } from "./error.ts";

/** Called once: with an error, or with `undefined` and the response. */
export type Callback<T> = (error: CapabilityError | undefined, response?: T) => void;

/**
 * Hands the outcome to the callback, or gives the promise back where there is none.
 *
 * @throws CapabilityError if the callback is something else than a function.
 */
export function settle<T>(
  outcome: () => Promise<T>,
  callback: Callback<T> | undefined | null,
): Promise<T> | undefined {
  if (callback === undefined || callback === null) return outcome();
  if (typeof callback !== "function") throw invalid(refuse("callback", "a function").problem);
  // In a microtask of its own, what the callback throws is an uncaught exception as anywhere, not a rejection.
  outcome().then(
    (response) => queueMicrotask(() => callback(undefined, response)),
    (error: CapabilityError) => queueMicrotask(() => callback(error)),
  );
  return undefined;
}
