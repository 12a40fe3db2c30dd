/** How many texts are remembered. */
const MAX_ENTRIES = 1_024;

/** Longest text that is remembered, in characters: remembered texts take memory. */
const MAX_TEXT_LENGTH = 64;

/**
 * Remembers the results of a pure function for short texts such as header names, of which a few come with every request. When
 * the memory is full it is emptied, so a client that sends ever new names costs others one more call for each name.
 *
 * @example
 * const lowerCase = memoized((name: string) => ({ name: name.toLowerCase() }));
 */
export function memoized<V extends object>(compute: (text: string) => V): (text: string) => V {
  const cache = new Map<string, V>();
  return (text) => {
    if (text.length > MAX_TEXT_LENGTH) return compute(text);
    const cached = cache.get(text);
    if (cached !== undefined) return cached;
    if (cache.size >= MAX_ENTRIES) cache.clear();
    const value = compute(text);
    cache.set(text, value);
    return value;
  };
}
