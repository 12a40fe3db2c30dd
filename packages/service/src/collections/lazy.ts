/**
 * Makes a value at its first use. A failure is not kept: the next use tries again.
 *
 * @example
 * const parser = lazy(() => new Parser("request"));
 * parser().reset();
 */
export function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
