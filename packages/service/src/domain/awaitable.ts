/**
 * Known at once, or later. What is known at once is not waited for: on the way of an invocation whose verdict is at hand, the
 * promises of an async function at each step would cost more than all checks together.
 */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value once it is known. */
export function when<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Does something, and `release` once it is over, however it ends. */
export function afterwards<T>(act: () => Awaitable<T>, release: () => void): Awaitable<T> {
  let acted: Awaitable<T>;
  try {
    acted = act();
  } catch (error) {
    release();
    throw error;
  }
  if (acted instanceof Promise) {
    return acted.then(
      (value) => {
        release();
        return value;
      },
      (error: unknown) => {
        release();
        throw error;
      },
    );
  }
  release();
  return acted;
}
