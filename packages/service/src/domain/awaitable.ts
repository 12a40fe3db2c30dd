/**
 * Known at once, or later. What is known at once is not waited for: on the way of an invocation whose verdict is at hand, the
 * promises of an async function at each step would cost more than all checks together.
 */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value once it is known. */
export function when<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
