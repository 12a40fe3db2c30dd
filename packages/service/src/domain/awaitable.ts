/**
 * Known at once, or later. What is known at once is not waited for: an invocation whose verdict is at hand goes from its head to
 * the dispatcher in one turn of the event loop.
 */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value once it is known. */
export function when<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
