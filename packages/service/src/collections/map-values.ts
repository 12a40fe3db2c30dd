/**
 * Makes a record with the same keys and other values.
 *
 * @example
 * const lengths = mapValues({ a: "x", b: "yz" }, (text) => text.length); // { a: 1, b: 2 }
 */
export function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  map: (value: A) => B,
): Record<K, B>;
export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
