/** How many texts are remembered. */
const ENTRIES = 1_024;

/** A longer text is not remembered, in characters: remembered texts take memory. */
const LONGEST = 64;

/**
 * Remembers what a pure function returns for short texts such as header names: a few come with every request. When the memory
 * is full it is emptied, so a client that sends ever new names costs others one call of the function for each name again.
 *
 * @example
 * const lowerCase = memoized((name: string) => ({ name: name.toLowerCase() }));
 */
export function memoized<V extends object>(decide: (text: string) => V): (text: string) => V {
  const known = new Map<string, V>();
  return (text) => {
    if (text.length > LONGEST) return decide(text);
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= ENTRIES) known.clear();
    const value = decide(text);
    known.set(text, value);
    return value;
  };
}
