/**
 * A value, or a promise of it. A caller does not wait for a value: an invocation whose resolution is cached gets from its head to
 * a connection in one turn of the event loop.
 */
export type MaybePromise<T> = T | Promise<T>;

/** Calls a function with the value: at once, or when the promise is fulfilled. */
export function thenMaybe<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
