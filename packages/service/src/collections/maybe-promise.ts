/**
 * Known at once, or later. What is known at once is not waited for: an invocation whose verdict is at hand goes from its head to
 * the dispatcher in one turn of the event loop.
 */
export type MaybePromise<T> = T | Promise<T>;

/** Goes on with a value once it is known. */
export function thenMaybe<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
