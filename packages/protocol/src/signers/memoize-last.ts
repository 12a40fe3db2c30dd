/**
 * Remembers the last result of a function. One signer serves one target, so path, day and often query are the same from one
 * request to the next.
 */
export function memoizeLast<T, K extends string | number = string>(compute: (key: K) => T): (key: K) => T {
  let last: { readonly key: K; readonly result: T } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, result: compute(key) };
    return last.result;
  };
}
